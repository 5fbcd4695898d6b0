import { lsnText } from '../../../engine/postgres/replication/index.ts';
import type { Lag } from './lag.ts';
import type { Lane, LaneFault } from './lane.ts';
import type { RepositoryState } from './types.ts';

/** What is known of the server while a repository is looked at. */
export interface ServerView {
  serverLsn: bigint | undefined;
  /** Up to where the repository has the server's log. */
  lsn: bigint | undefined;
  /** How long ago the server was heard, in ms; 0 while it is connected. */
  silentMs: number;
}

/** A repository as plain data. */
export function repositoryState(
  { repository, phase, place, fault }: Lane,
  { serverLsn, lsn, silentMs }: ServerView,
  lag: Lag,
): RepositoryState {
  const isKnown = lsn !== undefined && serverLsn !== undefined;
  return {
    name: repository.name,
    phase,
    timeline: place?.stored.timeline ?? null,
    storedLsn: place ? lsnText(place.stored.lsn) : null,
    storedAt: place?.storedAt?.toISOString() ?? null,
    lagBytes: isKnown ? Number(serverLsn > lsn ? serverLsn - lsn : 0n) : null,
    lagMs: isKnown ? Math.round(lag.behindMs(lsn) || silentMs) : null,
    error: fault ? faultState(fault) : null,
  };
}

function faultState({ at, nextAttemptAt, code, message, detail, hint }: LaneFault): RepositoryState['error'] {
  return { code, message, detail, hint, at: at.toISOString(), nextAttemptAt: nextAttemptAt.toISOString() };
}
