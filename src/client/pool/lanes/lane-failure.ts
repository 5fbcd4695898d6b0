import { sqlStateOf } from '../../sql-state.ts';
import { isConnectionLost, sqlState } from '../failures.ts';
import type { Lane } from './lane.ts';
import type { LaneQuery } from './lane-query.ts';
import { laneLimits, type LaneSession } from './lane-session.ts';

/**
 * Whether a statement that failed on a shared connection is to run again on a connection of its own: nothing of it has
 * happened, and there it has all the time it needs, and is understood anew.
 */
export function runsAgainAlone(lane: Lane, query: LaneQuery, error: Error, session: LaneSession): boolean {
  const { statement } = query;
  const state = sqlStateOf(error);
  if (state === sqlState.lockNotAvailable && session.ownLockLimit) {
    statement.record.overstayed(performance.now());
    return true;
  }
  const tookMs = performance.now() - statement.sentAt;
  if (state === sqlState.queryCanceled && session.ownStatementLimit && tookMs >= laneLimits.statementMs) {
    statement.record.overstayed(performance.now());
    return true;
  }
  if (query.begun || state === undefined || state === sqlState.readOnlyTransaction) return false;
  if (isConnectionLost(error, lane.client)) return false;
  // Prepared before its tables changed, or made for what an earlier statement has left in another session.
  if (query.reused) lane.forget(query);
  else statement.record.overstayed(performance.now());
  return true;
}
