import { type BenchRow, median, row } from './result.ts';

/** What was measured, per case, subject and metric: one value per round. */
export class Readings {
  readonly #values = new Map<string, { labels: Labels; values: number[] }>();
  readonly #errors = new Map<string, number>();

  add(name: string, subject: string, metric: string, unit: string, value: number): void {
    const known = this.#values.get(keyOf(name, subject, metric));
    if (known) known.values.push(value);
    else {
      const labels = { case: name, subject, metric, unit };
      this.#values.set(keyOf(name, subject, metric), { labels, values: [value] });
    }
  }

  failed(subject: string, errors: number): void {
    this.#errors.set(subject, (this.#errors.get(subject) ?? 0) + errors);
  }

  get errors(): number {
    return [...this.#errors.values()].reduce((sum, errors) => sum + errors, 0);
  }

  last(name: string, subject: string, metric: string): number | undefined {
    return this.values(name, subject, metric).at(-1);
  }

  values(name: string, subject: string, metric: string): readonly number[] {
    return this.#values.get(keyOf(name, subject, metric))?.values ?? [];
  }

  /** Median of the ratios of each round, so that what slowed the machine down for a while slowed both; `undefined` when not measured. */
  ratio(name: string, metric: string, subject: string, other: string): number | undefined {
    const others = this.values(name, other, metric);
    const ratios = this.values(name, subject, metric).map((value, round) => value / (others[round] ?? Number.NaN));
    return ratios.length === 0 || others.length !== ratios.length ? undefined : median(ratios);
  }

  rows(): BenchRow[] {
    const measured = [...this.#values.values()].map(({ labels, values }) => row(labels, values));
    const errors = [...this.#errors].map(([subject, count]) =>
      row({ case: 'all cases', subject, metric: 'errors', unit: '' }, [count]),
    );
    return [...measured, ...errors];
  }
}

type Labels = Pick<BenchRow, 'case' | 'subject' | 'metric' | 'unit'>;

const keyOf = (...labels: string[]): string => labels.join('\n');
