import type { Truth } from '../../../test/support/workloads/index.ts';
import { aimsTable, find, show, table } from '../markdown.ts';
import { atLeast, atMost, type BenchAim, type BenchResult, type BenchRow, median, row } from '../result.ts';

/** One backend on one database, held against truth. */
export interface Subject {
  name: string;
  subject: 'twin' | 'HypoPG';
  truth: Truth;
  /** Until it was ready to plan. */
  seconds: number;
}

/** An index of few pages is a page more or less; only larger ones are counted. */
const countedBytes = 2 ** 19;

export function rowsOf({ name, subject, truth, seconds }: Subject): BenchRow[] {
  const one = (metric: string, unit: string, ...values: number[]): BenchRow[] =>
    values.length === 0 ? [] : [row({ case: name, subject, metric, unit }, values)];
  const errors = costErrors(truth);
  const used = costErrors({ ...truth, plans: truth.plans.filter((plan) => plan.used) });
  const sizes = sizeErrors(truth);
  return [
    ...one('ready in', 's', seconds),
    ...one('plans compared', '', errors.length),
    ...one('refused', '', truth.refused),
    ...one('cost error', '%', ...errors),
    ...one('cost error, p95', '%', percentile(errors, 0.95)),
    ...one('cost error where used', '%', ...used),
    ...one('cost error where used, p95', '%', percentile(used, 0.95)),
    ...one('same plan', '%', sameShape(truth)),
    ...one('indexes compared', '', sizes.length),
    ...one('size error', '%', ...sizes),
  ];
}

export function aimsOf(truths: readonly Truth[]): BenchAim[] {
  const all: Truth = {
    plans: truths.flatMap(({ plans }) => plans),
    sizes: truths.flatMap(({ sizes }) => sizes),
    refused: 0,
  };
  const errors = costErrors(all);
  return [
    atMost('twin: error of plan cost, median, %', 2, median(errors)),
    atMost('twin: error of plan cost, p95, %', 15, percentile(errors, 0.95)),
    atLeast('twin: same plan, %', 95, sameShape(all)),
    atMost('twin: error of index size, worst, %', 15, Math.max(...sizeErrors(all))),
  ];
}

function costErrors({ plans }: Truth): number[] {
  return plans.map(({ error }) => error * 100);
}

function sizeErrors({ sizes }: Truth): number[] {
  return sizes.filter(({ real }) => real >= countedBytes).map(({ error }) => error * 100);
}

function sameShape({ plans }: Truth): number {
  return (plans.filter((plan) => plan.sameShape).length / plans.length) * 100;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** The tables of docs/benchmarks.md. */
export function markdown(result: BenchResult): string {
  const pairs = result.rows.filter(({ metric }) => metric === 'plans compared');
  const rows = pairs.map(({ case: name, subject, median: compared }) => {
    const of = (metric: string): BenchRow | undefined => find(result, name, subject, metric);
    const sizes = of('size error');
    return [
      name,
      subject,
      show(compared),
      show(of('refused')?.median),
      `${show(of('cost error')?.median)} / ${show(of('cost error, p95')?.median)}`,
      `${show(of('cost error where used')?.median)} / ${show(of('cost error where used, p95')?.median)}`,
      show(of('same plan')?.median),
      `${show(sizes?.median)} / ${show(sizes?.max)}`,
    ];
  });
  const header = [
    'case',
    'planned on',
    'plans',
    'refused',
    'error of cost, %, median / p95',
    'where the index is used',
    'same plan, %',
    'error of size, %, median / worst',
  ];
  return [table(header, rows), aimsTable(result.aims)].join('\n\n');
}
