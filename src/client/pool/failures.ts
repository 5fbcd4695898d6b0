import pg from 'pg';
import { isUsable } from './driver.ts';

/** SQLSTATEs that matter to the pool: PostgreSQL's documentation, appendix A. */
export const sqlState = {
  lockNotAvailable: '55P03',
  queryCanceled: '57014',
  unknownPrepared: '26000',
  readOnlyTransaction: '25006',
  tooManyConnections: '53300',
  cannotConnectNow: '57P03',
} as const;

/**
 * A named statement that the server does not know any more, or that was prepared before its tables changed
 * (`RevalidateCachedQuery` in plancache.c). It has not begun.
 */
export function isStalePrepared(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return false;
  return error.code === sqlState.unknownPrepared || error.routine === 'RevalidateCachedQuery';
}

/** The server has ended the session, for certain. Where it translates severities, some that did are not recognised. */
export function isFatal(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.severity === 'FATAL' || error.severity === 'PANIC');
}

/** Whether the session is gone after this error: the server said FATAL, or what failed was the connection. */
export function isConnectionLost(error: unknown, client: pg.ClientBase): boolean {
  // Errors of the driver itself (values that cannot be written) and of type parsers leave the connection as it was.
  if (!(error instanceof pg.DatabaseError)) return !isUsable(client);
  return isFatal(error) || lostStates.test(error.code ?? '');
}

/**
 * Terminations by an administrator, a crash, a dropped database or a timeout of idle sessions. Severities are translated by the
 * server, these are not. Class 08 is not among them: a wrong number of values is a protocol violation (08P01) too.
 */
const lostStates = /^(57P0[1-5]|25P0[34])$/;

/** Reasons for which a server cannot be reached now, but may be soon: it restarts, fails over, or has no connection left. */
export function isTransientConnectFailure(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) {
    return error.code === sqlState.tooManyConnections || /^(57P0[1-3]|08)/.test(error.code ?? '');
  }
  const { code, message } = error instanceof Error ? (error as NodeJS.ErrnoException) : { code: '', message: '' };
  return transientCodes.has(code ?? '') || /terminated|timeout expired|connection timeout/i.test(message);
}

const transientCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOENT',
]);
