import pg from 'pg';
import { messageOf, PitcrewError } from '../../../errors.ts';

/** Serialization failure and deadlock: the server gave this transaction up for another's sake. */
const retryable = new Set(['40001', '40P01']);

/** An error and what caused it: libraries wrap the driver's errors. */
export function* chainOf(thrown: unknown): Generator<object> {
  let next = thrown;
  for (let depth = 0; depth < 8 && typeof next === 'object' && next !== null; depth++) {
    yield next;
    next = 'cause' in next ? next.cause : undefined;
  }
}

/** Whether running the whole transaction again may succeed where this attempt failed, and nothing of it was kept. */
export function isRetryable(thrown: unknown): boolean {
  for (const link of chainOf(thrown)) {
    if (link instanceof PitcrewError && link.code === 'E_OUTCOME_UNKNOWN') return false;
    if ('code' in link && typeof link.code === 'string' && retryable.has(link.code)) return true;
  }
  return false;
}

/** The server said no to a statement; anything else that a statement fails with comes from the driver or the network. */
export function isServerError(thrown: unknown): thrown is pg.DatabaseError {
  return thrown instanceof pg.DatabaseError;
}

/**
 * Whether the server ended the connection with it: terminated, shut down, crashed, idle in the transaction or in it for too
 * long, and what poolers say of a server that went away. Servers translate the word FATAL.
 */
export function isFatal({ severity, code }: pg.DatabaseError): boolean {
  return severity === 'FATAL' || severity === 'PANIC' || /^(57P0|25P0[34]|08)/.test(code ?? '');
}

/** `nothingKept`: why that is certain. */
export function connectionLost(endpoint: string, nothingKept: string, cause: unknown): PitcrewError {
  return new PitcrewError('E_CONNECTION_LOST', 'the connection was lost, and nothing of the transaction was kept', {
    detail: `${endpoint}: ${messageOf(cause)}. ${nothingKept}`,
    hint: 'It is safe to run it again.',
    sqlState: isServerError(cause) ? cause.code : undefined,
    cause,
  });
}

export function outcomeUnknown(endpoint: string, cause: unknown): PitcrewError {
  return new PitcrewError(
    'E_OUTCOME_UNKNOWN',
    'no answer to COMMIT: the transaction may or may not have been committed',
    {
      detail: `${endpoint}: ${messageOf(cause)}.`,
      hint: 'Look whether its work is there before doing it again; a unique key given by the caller makes that certain.',
      sqlState: isServerError(cause) ? cause.code : undefined,
      cause,
    },
  );
}

/** A statement failed, the application went on as if it had not, and COMMIT was answered with ROLLBACK. */
export function rolledBack(failure: unknown, what: 'transaction' | 'nested transaction'): PitcrewError {
  return new PitcrewError('E_TRANSACTION', `the ${what} was rolled back, not committed`, {
    detail:
      failure === undefined
        ? 'A statement of it had failed.'
        : `A statement of it had failed and the error was not passed on: ${messageOf(failure)}.`,
    hint: 'After a failed statement nothing of a transaction can be kept: let the error through, or put what may fail into transaction().',
    sqlState: isServerError(failure) ? failure.code : undefined,
    cause: failure,
  });
}

export function endedInside(): PitcrewError {
  return new PitcrewError('E_TRANSACTION', 'the transaction had ended before its function did', {
    detail: 'A statement of it was a COMMIT or ROLLBACK; what came after it was committed statement by statement.',
    hint: 'Leave COMMIT and ROLLBACK to transaction(): return to commit, throw to roll back.',
  });
}

export function controlRefused(text: string): PitcrewError {
  return new PitcrewError('E_TRANSACTION', 'the transaction is begun and ended by transaction()', {
    detail: `The statement was ${text.trim().slice(0, 40)}.`,
    hint: 'Return to commit, throw to roll back, and call transaction() of the client for a nested one.',
  });
}

export function alreadyEnded(what: string): PitcrewError {
  return new PitcrewError('E_TRANSACTION', `${what} on a transaction that has ended`, {
    hint: 'A statement of the function was not awaited, or its client was kept for later.',
  });
}

export function nestedRunning(what: string): PitcrewError {
  return new PitcrewError('E_TRANSACTION', `${what} while a nested transaction is running`, {
    detail: 'One connection runs one of them after the other; what belongs to which could not be told.',
    hint: 'Await the nested transaction first; inside it, use the client that its function is given.',
  });
}

export function stillOpen(): PitcrewError {
  return new PitcrewError('E_TRANSACTION', 'the function of a transaction ended while a cursor or stream was open', {
    detail: 'It was rolled back: what the stream had still to read or write would be missing.',
    hint: 'Await the end of the stream, or close the cursor, before the function returns.',
  });
}
