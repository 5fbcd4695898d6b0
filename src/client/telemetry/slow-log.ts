import type { StatementOutcome } from '../observer.ts';
import { errorCode } from './error-code.ts';
import type { ResolvedTelemetryOptions, SlowStatement } from './options.ts';
import { quietly } from './quietly.ts';
import { Rate } from '../rate.ts';

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
      error: error && errorCode(error),
      bindings: values && this.#bindings(values),
    };
    quietly(() =>
      logger?.warn({ channel: 'slow', ...entry, ...(held > 0 ? { notLogged: held } : {}) }, 'slow statement'),
    );
    quietly(() => onSlow?.(entry));
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
  if (typeof value !== 'object') return typeof value;
  const { constructor }: { constructor?: unknown } = value;
  return typeof constructor === 'function' ? constructor.name : 'Object';
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
