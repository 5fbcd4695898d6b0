import { type StatementDescription, valuesShown } from '../../../sql/index.ts';
import type { StatementOutcome } from '../../observer.ts';
import { Rate } from '../../rate.ts';
import type { ResolvedParameterOptions } from '../options.ts';
import { type ParameterValues, Reservoir } from './reservoir.ts';
import { fits, valueText } from './value-text.ts';

/** Calls of which values are written, per second: some 50 µs each, so a quarter of a hundredth of a CPU. */
const readsPerSecond = 50;
/** Of a call; what has more is a list of data. */
const mostValues = 50;
/** All values of a call together take at most so many times what one may take. */
const mostLengths = 8;
/** Of one report, in characters; the rest goes with the following ones. */
const mostTold = 250_000;

/** A statement of which values may be kept. */
export interface Sampled {
  readonly text: string;
  /** `null` where no plan depends on them; `undefined` before its first call. */
  reservoir: Reservoir | null | undefined;
}

/** Keeps values of parameters where the application has asked for it. */
export class ParameterSampler {
  readonly #options: ResolvedParameterOptions;
  readonly #rate = new Rate(readsPerSecond);
  #room = mostTold;

  constructor(options: ResolvedParameterOptions) {
    this.#options = options;
  }

  /** A call of a statement has ended. Never throws. */
  ended(stats: Sampled, outcome: StatementOutcome): void {
    if (stats.reservoir === undefined) {
      stats.reservoir = plansByValues(outcome.description) ? new Reservoir(this.#options.samples) : null;
    }
    // What failed may have been called with what is no value at all.
    if (stats.reservoir === null || outcome.error) return;
    // Waiting for a connection has nothing to do with values.
    const ownMs = outcome.durationMs - outcome.queuedMs;
    if (!stats.reservoir.wants(ownMs) || !this.#rate.take(performance.now())) return;
    stats.reservoir.add(this.#read(stats.text, outcome), ownMs);
  }

  /** A report begins: it has room for values. */
  beginReport(): void {
    this.#room = mostTold;
  }

  /** Values of a statement's calls that go with a report now. */
  take({ reservoir }: Sampled): ParameterValues[] {
    const now = performance.now();
    const samples = reservoir?.due(now) ?? [];
    const length = JSON.stringify(samples).length;
    if (samples.length === 0 || length > this.#room) return [];
    this.#room -= length;
    reservoir?.told(now);
    return samples;
  }

  #read(text: string, { description, text: original, values: given }: StatementOutcome): ParameterValues | undefined {
    // The numbers of the placeholders are those of the text that is kept, which another way to write the same statement may not share.
    if (description?.normalized !== text) return undefined;
    const shown = valuesShown(original, text);
    if (!shown || shown.size === 0 || shown.size > mostValues) return undefined;
    const kept: Record<string, string | null> = {};
    let room = this.#options.maxBytes * mostLengths;
    for (const [position, value] of shown) {
      const read = this.#value(text, position, 'parameter' in value ? given?.[value.parameter - 1] : value.constant);
      if (read === undefined || (read?.length ?? 0) > room) continue;
      room -= read?.length ?? 0;
      kept[position] = read;
    }
    return Object.keys(kept).length > 0 ? kept : undefined;
  }

  #value(text: string, position: number, given: unknown): string | null | undefined {
    const { redact, maxBytes } = this.#options;
    try {
      const value = valueText(given, maxBytes);
      if (!redact || typeof value !== 'string') return value;
      const shown: unknown = redact({ text, position, value });
      return typeof shown === 'string' && fits(shown, maxBytes) ? shown : undefined;
    } catch {
      // The application's own code, and it would be told nothing that it can do here.
      return undefined;
    }
  }
}

/** Whether a plan can depend on values: it finds rows of tables by them. Rows that are merely inserted are data. */
function plansByValues(description: StatementDescription | undefined): boolean {
  if (!description || !description.normalized.includes('$')) return false;
  const { kind, read, written, normalized } = description;
  if (kind === 'insert') return read.length > 0 && /\bselect\b/i.test(normalized);
  const isPlanned = kind === 'select' || kind === 'update' || kind === 'delete' || kind === 'merge';
  return isPlanned && read.length + written.length > 0;
}
