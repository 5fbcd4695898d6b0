import { PitcrewError } from '../../../errors.ts';
import type { BackupRecord, Repository } from '../repository/index.ts';
import { followLog, type Reach } from './follow.ts';
import { type LogRange, segmentsOf, storedLog, type StoredLog } from './ranges.ts';
import { alone, latestTimeline, partOf, type TimelinePath, timelinePath } from './timelines.ts';

/** Log without which something cannot be reached. */
export interface MissingLog extends LogRange {
  /** PostgreSQL's names of its first and its last segment. */
  first: string;
  last: string;
  segments: number;
}

/** A moment, by the log and by a clock. */
export interface Moment {
  timeline: number;
  lsn: bigint;
  at: Date;
}

/** The end of the log. */
export interface LastMoment extends Moment {
  /** Its segment is there in part, and nobody knows how much of it: the log ends somewhere before. */
  isPart: boolean;
}

/** A stretch of time of which every moment can be restored. */
export interface ReachableWindow {
  /** Those from which it can be reached, oldest first. */
  backups: string[];
  /** The end of the first of them. */
  from: Moment;
  /** The end of its last segment, or of what a stream has of it. The time is about right: when that was stored, so that no commit in it is later by that clock. */
  to: LastMoment;
}

/** What can be restored from a repository. */
export interface Reachable {
  /** Oldest first. Without a gap between its backups, log makes one window of them. */
  windows: ReachableWindow[];
  /** Between and before stretches of the log that are stored. */
  gaps: MissingLog[];
  /** Backups that cannot be restored, because log that they need is missing. */
  unusable: { backup: string; missing: MissingLog[] }[];
  /** Timelines whose history is encrypted for others: what lies on them is not followed to them. */
  unreadTimelines: number[];
  /** All log that is stored. */
  log: { segments: number; storedBytes: number };
}

/**
 * What can be restored, by what is listed: neither backups nor log are read. Each backup is followed along the latest timeline, as
 * PostgreSQL would.
 */
export async function reachableWindows(repository: Repository, backups?: readonly BackupRecord[]): Promise<Reachable> {
  const known = backups ?? (await repository.backups());
  const segmentBytes = known[0]?.segmentBytes;
  const found: Reachable = {
    windows: [],
    gaps: [],
    unusable: [],
    unreadTimelines: [],
    log: { segments: 0, storedBytes: 0 },
  };
  if (segmentBytes === undefined) return found;
  const unread = new Set<number>();
  const log = await storedLog(repository, segmentBytes);
  for (const { from, to, storedBytes } of [...log.ranges.values()].flat()) {
    found.log.segments += Number((to - from) / BigInt(segmentBytes));
    found.log.storedBytes += storedBytes;
  }
  const gaps = new Map<string, MissingLog>();
  const ends = new Map<string, ReachableWindow>();
  const paths = new Map<number, Promise<TimelinePath | undefined>>();
  const withFiles = new Map<string, BackupRecord>();
  for (const backup of known) {
    const { id, parent, files } = backup;
    const base = files.length > 0 ? backup : withFiles.get(parent ?? '');
    if (base) withFiles.set(id, base);
    const path = await ownPath(backup, log, (timeline) => {
      const there = paths.get(timeline) ?? readable(repository, timeline, unread);
      paths.set(timeline, there);
      return there;
    });
    const { timeline, endLsn, endedAt: at } = backup;
    // One that is only log goes on from one that has files.
    const from = (withFiles.get(backup.id) ?? backup).startLsn;
    const own = followLog(log, path, { timeline, from, to: endLsn });
    const { reaches, missing } = followLog(log, path, { timeline, from });
    for (const gap of missing) gaps.set(`${gap.timeline}/${gap.to}`, named(gap, segmentBytes));
    if (own.missing.length > 0 || !reaches) {
      found.unusable.push({ backup: backup.id, missing: own.missing.map((range) => named(range, segmentBytes)) });
      continue;
    }
    const end = `${reaches.timeline}/${reaches.lsn}`;
    const window = ends.get(end);
    if (window) {
      window.backups.push(backup.id);
      if (at > window.to.at) window.to.at = at;
      if (reaches.timeline === timeline && endLsn > window.to.lsn) window.to.lsn = endLsn;
    } else {
      const to = await lastMoment(repository, reaches, backup);
      ends.set(end, { backups: [backup.id], from: { timeline, lsn: endLsn, at }, to });
    }
  }
  return { ...found, windows: [...ends.values()], gaps: [...gaps.values()], unreadTimelines: [...unread] };
}

/** The end of the log, which is not before that of a backup: by a clock, when its last segment was stored. */
export async function lastMoment(
  repository: Repository,
  { timeline, lsn, lastKey, isPart }: Reach,
  backup: BackupRecord,
): Promise<LastMoment> {
  const { endLsn, endedAt } = backup;
  const storedAt = (await repository.storage.head(lastKey))?.modifiedAt ?? endedAt;
  return {
    timeline,
    lsn: backup.timeline === timeline && endLsn > lsn ? endLsn : lsn,
    at: storedAt > endedAt ? storedAt : endedAt,
    isPart,
  };
}

async function readable(
  repository: Repository,
  timeline: number,
  unread: Set<number>,
): Promise<TimelinePath | undefined> {
  try {
    return await timelinePath(repository, timeline);
  } catch (error) {
    if (!(error instanceof PitcrewError) || error.code !== 'E_BACKUP_KEY') throw error;
    unread.add(timeline);
    return undefined;
  }
}

/** With the names of its segments. */
export function named(range: LogRange, segmentBytes: number): MissingLog {
  const { first, last, count } = segmentsOf(range, segmentBytes);
  return { ...range, first, last, segments: count };
}

/** Along the latest timeline, or along its own alone where the latest branched off before the backup or its history is missing. */
async function ownPath(
  { timeline, endLsn }: BackupRecord,
  { histories }: StoredLog,
  pathTo: (timeline: number) => Promise<TimelinePath | undefined>,
): Promise<TimelinePath> {
  const path = await pathTo(latestTimeline(timeline, histories));
  return path && partOf(path, timeline, endLsn) ? path : alone(timeline);
}
