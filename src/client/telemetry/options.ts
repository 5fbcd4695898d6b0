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

/** A value of a statement's parameter, or a constant of its text. */
export interface ParameterValue {
  /** Of the statement, with placeholders in place of constants. */
  text: string;
  /** Of its placeholder: 1 for `$1`. */
  position: number;
  /** As PostgreSQL is sent it. */
  value: string;
}

/** Which values of parameters are kept and reported. */
export interface ParameterOptions {
  /** Calls of a statement of which values are kept: chosen at random, and the slowest. 3 by default, 1 to 5. */
  samples?: number | undefined;
  /** Longer values, in bytes, are left out; 256 by default, 4,096 at most. All of a call together may take eight times as much. */
  maxBytes?: number | undefined;
  /**
   * Says what is kept of a value: the value, something in its place, or nothing, and it is left out. What it throws leaves it out too.
   * NULL is not asked about. Called for some calls only, while the application runs: it should be quick.
   */
  redact?: ((parameter: ParameterValue) => string | null | undefined) | undefined;
}

export interface ResolvedParameterOptions extends ParameterOptions {
  samples: number;
  maxBytes: number;
}

export interface TelemetryOptions {
  /**
   * From how long on a statement is slow, in ms: one number for all, or one per kind. By default 1000 for SELECT and 500 for
   * INSERT, UPDATE and DELETE.
   */
  slow?: number | Partial<SlowThresholds> | undefined;
  /** What the slow log says of the values of parameters: nothing (default), their types, or the values themselves. */
  bindings?: 'redacted' | 'types' | 'values' | undefined;
  /**
   * Keeps values of parameters of some calls and sends them with the reports, for better advice on indexes: `true`, or how many and which.
   * By default none are kept. They are in no log, metric or snapshot.
   */
  parameters?: ParameterOptions | boolean | undefined;
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
  /** `undefined`: none are kept. */
  parameters: ResolvedParameterOptions | undefined;
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
    parameters: options.parameters ? resolveParameters(options.parameters) : undefined,
    repeatedCalls: options.repeatedCalls ?? 10,
    maxStatements: options.maxStatements ?? 1000,
  };
  for (const [name, value] of Object.entries(resolved.slow)) atLeast(`slow.${name}`, value, 0);
  atLeast('repeatedCalls', resolved.repeatedCalls, 2);
  atLeast('maxStatements', resolved.maxStatements, 1);
  // What a report may hold, with the others.
  atMost('maxStatements', resolved.maxStatements, 1999);
  return resolved;
}

function resolveParameters(options: ParameterOptions | true): ResolvedParameterOptions {
  const { samples = 3, maxBytes = 256, redact } = options === true ? {} : options;
  for (const [name, value, most] of [
    ['parameters.samples', samples, 5],
    ['parameters.maxBytes', maxBytes, 4096],
  ] as const) {
    atLeast(name, value, 1);
    atMost(name, value, most);
  }
  // Values must not be kept as they are because what should hide them was given under a wrong form.
  if (redact !== undefined && typeof redact !== 'function') {
    throw new PitcrewError('E_CONFIG', 'telemetry option parameters.redact must be a function', {
      detail: `Found ${typeof redact}.`,
    });
  }
  return { samples: Math.floor(samples), maxBytes: Math.floor(maxBytes), redact };
}

function atMost(name: string, value: number, most: number): void {
  if (value <= most) return;
  throw new PitcrewError('E_CONFIG', `telemetry option ${name} must be at most ${most}`, { detail: `Found ${value}.` });
}

function atLeast(name: string, value: unknown, least: number): void {
  if (typeof value === 'number' && value >= least) return;
  throw new PitcrewError('E_CONFIG', `telemetry option ${name} must be a number of at least ${least}`, {
    detail: `Found ${String(value)}.`,
  });
}
