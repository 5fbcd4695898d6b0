import { PitcrewError } from '../../errors.ts';

/** Thresholds of the slow log by kind of statement, in ms. */
export interface SlowThresholds {
  select: number;
  insert: number;
  update: number;
  delete: number;
  /** All other kinds. */
  other: number;
}

/** Logs after pino's manner; `console` will do. */
export interface TelemetryLogger {
  warn(fields: object, message: string): void;
}

export interface TelemetryOptions {
  /**
   * From how long on a statement is slow, in ms: one number for all, or one per kind. By default 1000 for SELECT and 500 for
   * INSERT, UPDATE and DELETE.
   */
  slow?: number | Partial<SlowThresholds> | undefined;
  /** What the slow log says of the values of parameters: nothing (default), their types, or the values themselves. */
  bindings?: 'redacted' | 'types' | 'values' | undefined;
  /** Where slow statements, repeated ones and warnings of the pool are logged; nowhere by default. */
  logger?: TelemetryLogger | undefined;
  /** Told of each slow statement, besides the logger. */
  onSlow?: ((entry: SlowStatement) => void) | undefined;
  /** Told of each line that calls a statement again and again in one request, besides the logger. */
  onRepeated?: ((finding: RepeatedStatement) => void) | undefined;
  /** A statement called so often from one line in one request is reported as repeated (N+1); 10 by default. */
  repeatedCalls?: number | undefined;
  /** Statements kept apart; 1,000 by default, 1,999 at most. The least used beyond that are counted together. */
  maxStatements?: number | undefined;
  /** Metrics and spans for OpenTelemetry. By default where the application has registered a provider; true warns when there is no API. */
  otel?: boolean | OtelOptions | undefined;
  /** Files that are never the line which calls a statement, such as the application's own wrapper around the pool: `src/db/`. */
  ignoreCallers?: readonly (string | RegExp)[] | undefined;
  /** Packages in `node_modules` that are the application's own and may be the line which calls a statement: `@acme/`. */
  includeCallers?: readonly (string | RegExp)[] | undefined;
  /** Measure by how much the heap grows in each scope; false by default. */
  memory?: boolean | undefined;
}

export interface OtelOptions {
  /** A span per statement; true by default. */
  spans?: boolean | undefined;
  /** For the attribute `db.namespace`; by default the name of the pool's database. */
  database?: string | undefined;
}

/** An entry of the slow log. Times in ms. */
export interface SlowStatement {
  at: Date;
  fingerprint: string | undefined;
  /** Without values. */
  text: string;
  kind: string;
  durationMs: number;
  /** Of which waiting for a connection. */
  queuedMs: number;
  rows: number;
  endpoint: string;
  /** Line of the application, where known: of this call, or the one that calls the statement most. */
  callSite: string | undefined;
  scope: string | undefined;
  /** SQLSTATE, or the error's code. */
  error: string | undefined;
  bindings: readonly string[] | undefined;
}

/** A statement that one line calls again and again in one request, which one statement could often do at once. */
export interface RepeatedStatement {
  scope: string;
  fingerprint: string;
  text: string;
  /** `an unknown line` where nothing of the application was in the stack. */
  callSite: string;
  /** Calls in one request: the first in which it was found, or the latest. */
  calls: number;
}

export interface ResolvedTelemetryOptions extends TelemetryOptions {
  slow: SlowThresholds;
  bindings: 'redacted' | 'types' | 'values';
  repeatedCalls: number;
  maxStatements: number;
}

const usual: SlowThresholds = { select: 1000, insert: 500, update: 500, delete: 500, other: 1000 };

/** From how long on a statement of that kind is slow, in ms. */
export function slowMsOf(slow: SlowThresholds, kind: string): number {
  return Object.hasOwn(slow, kind) ? slow[kind as keyof SlowThresholds] : slow.other;
}

/** Fills in defaults. Throws `E_CONFIG` for numbers that make no sense. */
export function resolveTelemetry(options: TelemetryOptions): ResolvedTelemetryOptions {
  const { slow } = options;
  const thresholds =
    typeof slow === 'number' ? { select: slow, insert: slow, update: slow, delete: slow, other: slow } : slow;
  const resolved = {
    ...options,
    slow: { ...usual, ...thresholds },
    bindings: options.bindings ?? 'redacted',
    repeatedCalls: options.repeatedCalls ?? 10,
    maxStatements: options.maxStatements ?? 1000,
  };
  for (const [name, value] of Object.entries(resolved.slow)) atLeast(`slow.${name}`, value, 0);
  atLeast('repeatedCalls', resolved.repeatedCalls, 2);
  atLeast('maxStatements', resolved.maxStatements, 1);
  // What a report may hold, with the others.
  if (resolved.maxStatements > 1999) {
    throw new PitcrewError('E_CONFIG', 'telemetry option maxStatements must be at most 1999', {
      detail: `Found ${resolved.maxStatements}.`,
    });
  }
  return resolved;
}

function atLeast(name: string, value: unknown, least: number): void {
  if (typeof value === 'number' && value >= least) return;
  throw new PitcrewError('E_CONFIG', `telemetry option ${name} must be a number of at least ${least}`, {
    detail: `Found ${String(value)}.`,
  });
}
