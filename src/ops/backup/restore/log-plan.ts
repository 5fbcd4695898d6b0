import { lsnText } from '../../../engine/postgres/replication/index.ts';
import { PitcrewError } from '../../../errors.ts';
import type { BackupRecord, Repository } from '../repository/index.ts';
import { followLog } from '../wal/follow.ts';
import { storedLog } from '../wal/ranges.ts';
import { lastMoment, type LastMoment, type MissingLog, type Moment, named } from '../wal/windows.ts';
import { followedTimeline } from './choose-backup.ts';
import type { RecoveryTarget } from './target.ts';

/** The log that is replayed. */
export interface LogPlan {
  /** That is followed; `undefined` where it is not known or does not lead through the backup. */
  timeline: number | undefined;
  from: bigint;
  /** Where replay ends: at the target, or with the log. `undefined`: somewhere before the latest moment. */
  to: bigint | undefined;
  /** Segments up to there, or to the latest moment: at most so many. */
  segments: number;
  /** Of those, unpacked. */
  bytes: number;
  /** The end of the backup. */
  earliest: Moment;
  /** The end of the log without a gap; its time is about right. `undefined`: the backup itself is not usable. */
  latest: LastMoment | undefined;
  /** Without which the target, or what is stored behind it, cannot be reached. */
  missing: MissingLog[];
}

/** Two clocks are taken for the same within it. */
const clocksDifferMs = 60_000;

/** What is replayed, and in `obstacles` why the target cannot be reached. */
export async function planLog(
  repository: Repository,
  backup: BackupRecord,
  target: RecoveryTarget,
): Promise<{ log: LogPlan; obstacles: PitcrewError[] }> {
  const { timeline, startLsn, endLsn, endedAt, segmentBytes } = backup;
  const stored = await storedLog(repository, segmentBytes);
  const obstacles: PitcrewError[] = [];
  const log: LogPlan = {
    timeline: undefined,
    from: startLsn,
    to: undefined,
    segments: 0,
    bytes: 0,
    earliest: { timeline, lsn: endLsn, at: endedAt },
    latest: undefined,
    missing: [],
  };
  const early = tooEarly(backup, target);
  if (early) obstacles.push(early);
  const followed = await followedTimeline(repository, backup, target, stored.histories).catch((error: unknown) => {
    if (!(error instanceof PitcrewError)) throw error;
    obstacles.push(error);
    return undefined;
  });
  if (!followed) return { log, obstacles };
  const along = (to?: bigint): ReturnType<typeof followLog> =>
    followLog(stored, followed.path, { timeline, from: startLsn, to });
  const all = along();
  const own = along(endLsn);
  log.timeline = followed.timeline;
  log.missing = (own.missing.length > 0 ? own : all).missing.map((range) => named(range, segmentBytes));
  if (own.missing.length > 0 || !all.reaches) {
    obstacles.push(unusable(backup, log.missing));
    return { log, obstacles };
  }
  const latest = await lastMoment(repository, all.reaches, backup);
  const end = target.lsn ?? (target.immediate ? endLsn : undefined);
  const isOpen = [target.time, target.xid, target.name].every((each) => each === undefined);
  log.latest = latest;
  log.to = end ?? (isOpen ? latest.lsn : undefined);
  // The record at the target is needed too.
  log.segments = end === undefined ? all.segments : along(end + 1n).segments;
  log.bytes = log.segments * segmentBytes;
  const late = isTooLate(target, latest);
  if (late) obstacles.push(tooLate(target, latest, log.missing));
  return { log, obstacles };
}

function isTooLate({ lsn, time }: RecoveryTarget, latest: Moment): boolean {
  if (lsn !== undefined) return lsn >= latest.lsn;
  return time !== undefined && new Date(time).getTime() > latest.at.getTime() + clocksDifferMs;
}

function tooEarly({ endLsn, endedAt }: BackupRecord, { lsn, time }: RecoveryTarget): PitcrewError | undefined {
  const isEarly = (lsn !== undefined && lsn < endLsn) || (time !== undefined && new Date(time) < endedAt);
  if (!isEarly) return undefined;
  return new PitcrewError('E_USAGE', 'the target is before the end of the backup', {
    detail: `It is ${lsn === undefined ? time : lsnText(lsn)}; the backup is usable from ${lsn === undefined ? endedAt.toISOString() : lsnText(endLsn)} on.`,
    hint: 'Restore an earlier backup: "pitcrew backup list".',
  });
}

function unusable({ id }: BackupRecord, missing: readonly MissingLog[]): PitcrewError {
  return new PitcrewError('E_BACKUP_DAMAGED', 'log that the backup needs is missing', {
    detail: `Without it ${id} cannot be used: ${missing.map(missingText).join('; ')}.`,
    hint: 'Restore another backup.',
  });
}

function tooLate({ lsn, time }: RecoveryTarget, latest: Moment, missing: readonly MissingLog[]): PitcrewError {
  const asked = lsn === undefined ? `${time}` : lsnText(lsn);
  const reach = `${lsnText(latest.lsn)}, about ${latest.at.toISOString()}`;
  const [gap] = missing;
  if (gap) {
    return new PitcrewError('E_NOT_FOUND', 'log is missing between the backup and the target', {
      detail: `The target is ${asked}. Missing: ${missing.map(missingText).join('; ')}.`,
      hint: `Everything up to ${reach}, can be reached from this backup; or restore a later one.`,
    });
  }
  return new PitcrewError('E_NOT_FOUND', 'the target is after the end of the log', {
    detail: `It is ${asked}; the log that is stored ends at ${reach}.`,
    hint: 'Without a target, everything that is in the log is restored.',
  });
}

/** `0000000100000000000000A3 to 0000000100000000000000A9 (7 segments)`. */
export function missingText({ first, last, segments }: MissingLog): string {
  return segments === 1 ? first : `${first} to ${last} (${segments} segments)`;
}
