import { PitcrewError } from '../../../errors.ts';

const isolationLevels = ['read committed', 'repeatable read', 'serializable'] as const;

export type IsolationLevel = (typeof isolationLevels)[number];

export interface TransactionOptions {
  /** Default: the server's `default_transaction_isolation`, which is `read committed` unless someone changed it. */
  isolation?: IsolationLevel | undefined;
  /** Writes are refused by the server. Default: its `default_transaction_read_only`. */
  readOnly?: boolean | undefined;
  /** With `serializable` and `readOnly`: waits for a snapshot under which it can neither fail nor make others fail. */
  deferrable?: boolean | undefined;
  /**
   * How many times the function is run again when the server gave the transaction up for another's sake (serialization
   * failure 40001, deadlock 40P01), or when the connection turned out to be dead before the function was called. Default 3.
   */
  retries?: number | undefined;
  /** For all of it, waiting for a connection and retries included, in ms: then it is stopped with `E_ABORTED`. Default: none. */
  timeoutMs?: number | undefined;
  /** Stops it: the running statement is cancelled, the transaction rolled back, and the signal's reason thrown. */
  signal?: AbortSignal | undefined;
  /**
   * How long the server may take to answer a cancel request, a ROLLBACK, or (once stopped) COMMIT, before the connection is
   * given up, in ms. Default 5000.
   */
  graceMs?: number | undefined;
}

/** The options as they count, checked: most of them come from plain JavaScript as well. */
export interface TransactionPlan {
  begin: string;
  readOnly: boolean;
  retries: number;
  graceMs: number;
}

/** @throws `E_USAGE` for options that no transaction can have. */
export function planned(options: TransactionOptions): TransactionPlan {
  const { isolation, readOnly, deferrable, retries = 3, graceMs = 5000, timeoutMs } = options;
  if (isolation !== undefined && !isolationLevels.includes(isolation)) {
    throw new PitcrewError('E_USAGE', 'unknown isolation level', {
      detail: `isolation is ${JSON.stringify(isolation)}.`,
      hint: `Allowed: ${isolationLevels.join(', ')}.`,
    });
  }
  if (!Number.isInteger(retries) || retries < 0) throw unusable('retries', retries, 'a whole number from 0');
  if (!(graceMs > 0)) throw unusable('graceMs', graceMs, 'a number of ms above 0');
  if (timeoutMs !== undefined && !(timeoutMs > 0)) throw unusable('timeoutMs', timeoutMs, 'a number of ms above 0');
  return { begin: beginStatement(isolation, readOnly, deferrable), readOnly: readOnly === true, retries, graceMs };
}

function beginStatement(
  isolation: IsolationLevel | undefined,
  readOnly: boolean | undefined,
  deferrable: boolean | undefined,
): string {
  let statement = 'BEGIN';
  if (isolation !== undefined) statement += ` ISOLATION LEVEL ${isolation.toUpperCase()}`;
  if (readOnly !== undefined) statement += readOnly ? ' READ ONLY' : ' READ WRITE';
  if (deferrable !== undefined) statement += deferrable ? ' DEFERRABLE' : ' NOT DEFERRABLE';
  return statement;
}

function unusable(name: string, value: unknown, allowed: string): PitcrewError {
  return new PitcrewError('E_USAGE', `${name} cannot be ${String(value)}`, { hint: `Give ${allowed}.` });
}
