import { type ErrorOptions, messageOf, PitcrewError } from '../../errors.ts';
import type { StoreStatus } from './types.ts';

/** What an error of the store's server means for writing. */
export interface Failure {
  /** `data`: the rows themselves were refused; writing them again would fail again. */
  kind: Exclude<StoreStatus['state'], 'ready'> | 'data';
  message: string;
  /** Whether the session should be made anew: it is lost, or leads to the wrong server. */
  reconnect: boolean;
}

/** SQLSTATE of an error of `pg`, `undefined` when the connection itself failed. */
export function sqlStateOf(error: unknown): string | undefined {
  if (error instanceof PitcrewError) return error.sqlState;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** A row for which no partition exists: a check that failed, of no named constraint. */
export function isMissingPartition(error: unknown): boolean {
  const constraint = error instanceof Error && 'constraint' in error ? error.constraint : undefined;
  return sqlStateOf(error) === '23514' && constraint === undefined;
}

export function failureOf(error: unknown): Failure {
  const state = sqlStateOf(error);
  const message =
    error instanceof PitcrewError && error.detail ? `${error.message}: ${error.detail}` : messageOf(error);
  // Such as a time that is none: a mistake in the batch, not of the connection.
  const isMistake = error instanceof RangeError || error instanceof TypeError;
  if (isMistake || (error instanceof PitcrewError && error.code === 'E_INTERNAL')) {
    return { kind: 'data', message, reconnect: false };
  }
  if (state === undefined) return { kind: 'away', message, reconnect: true };
  if (state === '53100') return { kind: 'read-only', message: `disk full: ${message}`, reconnect: false };
  // After a failover the name may lead to the new primary.
  if (state === '25006') return { kind: 'read-only', message: `read-only: ${message}`, reconnect: true };
  // Serialisation, deadlock, lock and statement timeouts, out of memory: the session is as good as before.
  if (/^(40|55|53[024])|^57014$/.test(state) || isMissingPartition(error))
    return { kind: 'away', message, reconnect: false };
  // Connection, transaction state, authorisation, missing database or tables, shutting down, system and internal errors.
  if (/^(08|25|28|3D|3F|42|53|57|58|F0|XX)/.test(state)) return { kind: 'away', message, reconnect: true };
  return { kind: 'data', message, reconnect: false };
}

export function unavailable(message: string, options: ErrorOptions = {}): PitcrewError {
  return new PitcrewError('E_STORE_UNAVAILABLE', message, options);
}

/** Any error of the store's server as `E_STORE_UNAVAILABLE`. */
export function storeError(error: unknown, message = 'the store cannot be used'): PitcrewError {
  if (error instanceof PitcrewError) return error;
  const detail = failureOf(error).message;
  return unavailable(message, {
    detail,
    hint: /unsupported startup parameter/.test(detail)
      ? 'A pooler such as PgBouncer cannot be between: sessions hold the claims. Give the address of the server itself with --store.'
      : 'Check the server of the store (setting store.url, flag --store).',
    sqlState: sqlStateOf(error),
    cause: error,
  });
}
