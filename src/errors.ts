/**
 * Every error Pitcrew raises on purpose. An error is a short fact (`message`), a `detail` and a `hint`, after
 * PostgreSQL's manner, with a stable `code` that decides the HTTP status and the exit code.
 */

interface ErrorClass {
  /** HTTP status of the problem document. */
  status: number;
  /** Exit code of a command: 2 usage or configuration, 3 a server cannot be reached or refuses, 4 unsafe, 130 stopped by whoever asked. */
  exitCode: 1 | 2 | 3 | 4 | 130;
}

const errorClasses = {
  E_USAGE: { status: 400, exitCode: 2 },
  E_CONFIG: { status: 500, exitCode: 2 },
  E_BAD_REQUEST: { status: 400, exitCode: 2 },
  E_UNAUTHORIZED: { status: 401, exitCode: 2 },
  E_FORBIDDEN: { status: 403, exitCode: 4 },
  E_NOT_FOUND: { status: 404, exitCode: 2 },
  E_CONFLICT: { status: 409, exitCode: 4 },
  E_UNSUPPORTED: { status: 422, exitCode: 2 },
  E_RATE_LIMITED: { status: 429, exitCode: 1 },
  E_DATABASE_UNREACHABLE: { status: 503, exitCode: 3 },
  E_DATABASE_REFUSED: { status: 502, exitCode: 3 },
  E_QUERY: { status: 422, exitCode: 3 },
  E_POOL_TIMEOUT: { status: 503, exitCode: 3 },
  E_POOL_DEADLOCK: { status: 500, exitCode: 1 },
  E_POOL_CLOSED: { status: 503, exitCode: 1 },
  E_CONNECTION_LOST: { status: 503, exitCode: 3 },
  E_OUTCOME_UNKNOWN: { status: 503, exitCode: 1 },
  E_TRANSACTION: { status: 409, exitCode: 1 },
  E_ABORTED: { status: 504, exitCode: 130 },
  E_CACHE_TIER: { status: 503, exitCode: 1 },
  E_CACHE_TIMEOUT: { status: 504, exitCode: 1 },
  E_STORE_UNAVAILABLE: { status: 503, exitCode: 3 },
  E_DAEMON_UNREACHABLE: { status: 503, exitCode: 3 },
  E_EMBEDDED: { status: 500, exitCode: 3 },
  E_DATA_DIR: { status: 500, exitCode: 2 },
  E_LISTEN: { status: 500, exitCode: 3 },
  E_STORAGE: { status: 503, exitCode: 3 },
  E_BACKUP_KEY: { status: 422, exitCode: 2 },
  E_BACKUP_DAMAGED: { status: 422, exitCode: 1 },
  E_UNSAFE: { status: 409, exitCode: 4 },
  E_MISSING_PACKAGE: { status: 500, exitCode: 2 },
  E_INTERNAL: { status: 500, exitCode: 1 },
} as const satisfies Record<string, ErrorClass>;

export type ErrorCode = keyof typeof errorClasses;

/** Whether a text, as from another process, is a code of ours. */
export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(errorClasses, text);
}

export interface ErrorOptions {
  /** What exactly was found, in one sentence. */
  detail?: string | undefined;
  /** What the reader can do about it. */
  hint?: string | undefined;
  /** SQLSTATE, when a database said no. */
  sqlState?: string | undefined;
  cause?: unknown;
}

/**
 * An error with a code. Messages and details are cleared of passwords when they are made, so that none can reach a log,
 * an API answer or a terminal.
 */
export class PitcrewError extends Error {
  override readonly name = 'PitcrewError';
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
  readonly sqlState: string | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(redactSecrets(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail === undefined ? undefined : redactSecrets(options.detail);
    this.hint = options.hint;
    this.sqlState = options.sqlState;
  }

  /** HTTP status of the problem document for this error. */
  get status(): number {
    return errorClasses[this.code].status;
  }

  /** Exit code of a command that ends with this error. */
  get exitCode(): number {
    return errorClasses[this.code].exitCode;
  }
}

/** Turns anything thrown into a `PitcrewError`; what was not raised on purpose becomes `E_INTERNAL`. */
export function toPitcrewError(thrown: unknown): PitcrewError {
  if (thrown instanceof PitcrewError) return thrown;
  const message = messageOf(thrown);
  return new PitcrewError('E_INTERNAL', 'unexpected error', { detail: message, cause: thrown });
}

/** The message of anything thrown, passwords cleared. Never empty: an `AggregateError` of Node's has no message. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof AggregateError && !thrown.message) {
    return thrown.errors.map((error: unknown) => messageOf(error)).join('; ');
  }
  if (thrown instanceof Error) return redactSecrets(thrown.message || thrown.name);
  return redactSecrets(String(thrown));
}

/** Replaces passwords in URLs (`scheme://user:password@host`) and `password=…` pairs by `***`. */
export function redactSecrets(text: string): string {
  return text
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@]*):[^\s/?#]*@/gi, '$1:***@')
    .replace(/\b(password|passwd|pwd|token|secret)(\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s&,;]+)/gi, '$1$2***');
}

/** The code of a system call's error, such as `ENOENT`. */
export function errorCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}
