import { PitcrewError } from '../../errors.ts';
import { sqlStateOf } from '../sql-state.ts';

/** What a timeout says of the pool's state. */
interface PoolState {
  endpoint: string;
  open: number;
  idle: number;
  lanes: number;
  waiting: number;
  max: number;
}

/** @param holders who holds the connections, in words */
export function poolTimeout(state: PoolState, waitedMs: number, holders: string): PitcrewError {
  const { endpoint, open, idle, lanes, waiting, max } = state;
  const counts = `${open} of ${max - lanes} connections are open, ${idle} idle; ${waiting} more callers wait.`;
  return new PitcrewError(
    'E_POOL_TIMEOUT',
    `no connection to ${endpoint} became free within ${Math.round(waitedMs)} ms`,
    {
      detail: `${counts} ${holders}`.trim(),
      hint: 'Look at who holds connections for long; raise max only if the database has CPUs for more work at once.',
    },
  );
}

/** For a statement that may or may not have taken effect. */
export function outcomeUnknown(cause: Error): PitcrewError {
  return new PitcrewError(
    'E_OUTCOME_UNKNOWN',
    'the connection was lost while a statement that changes data was under way',
    {
      detail: `Whether it took effect is not known: ${cause.message}`,
      hint: 'Look whether the change is there before doing it again, or make it idempotent (ON CONFLICT, a key of its own).',
      sqlState: sqlStateOf(cause),
      cause,
    },
  );
}
