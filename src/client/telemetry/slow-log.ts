import type { StatementOutcome } from '../observer.ts';
import { sqlStateOf } from '../sql-state.ts';
import type { ResolvedTelemetryOptions, SlowStatement } from './options.ts';
import { Rate } from './rate.ts';

/** When everything is slow, a log of everything makes it slower. */
const entriesPerSecond = 20;
const longestText = 4000;
const longestValue = 200;
const mostValues = 50;

/** Writes down statements that took longer than they should. */
export class SlowLog {
  readonly #options: ResolvedTelemetryOptions;
  readonly #rate = new Rate(entriesPerSecond);

  constructor(options: ResolvedTelemetryOptions) {
    this.#options = options;
  }

  /** From how long on a statement of that kind is slow, in ms. */
  thresholdOf(kind: string): number {
    const { slow } = this.#options;
    return kind in slow ? slow[kind as keyof typeof slow] : slow.other;
  }

  add(outcome: StatementOutcome, callSite: string | undefined, scope: string | undefined): void {
    const { logger, onSlow } = this.#options;
    if (!logger && !onSlow) return;
    const held = this.#rate.held;
    if (!this.#rate.take(performance.now())) return;
    this.#rate.held = 0;
    const { description, durationMs, queuedMs, rows, endpoint, error, values } = outcome;
    const entry: SlowStatement = {
      at: new Date(),
      fingerprint: description?.fingerprint,
      text: (description?.normalized ?? '').slice(0, longestText),
      kind: description?.kind ?? 'unknown',
      durationMs: rounded(durationMs),
      queuedMs: rounded(queuedMs),
      rows,
      endpoint,
      callSite,
      scope,
      error: error && (sqlStateOf(error) ?? error.name),
      bindings: values && this.#bindings(values),
    };
    logger?.warn({ channel: 'slow', ...entry, ...(held > 0 ? { notLogged: held } : {}) }, 'slow statement');
    onSlow?.(entry);
  }

  #bindings(values: readonly unknown[]): string[] | undefined {
    const { bindings } = this.#options;
    if (bindings === 'redacted') return undefined;
    return values.slice(0, mostValues).map((value) => (bindings === 'types' ? typeName(value) : shown(value)));
  }
}

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;

function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  return typeof value === 'object' ? value.constructor.name : typeof value;
}

function shown(value: unknown): string {
  if (Buffer.isBuffer(value)) return `Buffer of ${value.length} bytes`;
  let text: string | undefined;
  try {
    text = typeof value === 'string' ? value : JSON.stringify(value);
  } catch {
    text = undefined;
  }
  return (text ?? String(value)).slice(0, longestValue);
}
