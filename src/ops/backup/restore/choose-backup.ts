import { PitcrewError } from '../../../errors.ts';
import { byLog, type BackupRecord, type Repository } from '../repository/index.ts';
import { alone, latestTimeline, partOf, type TimelinePath, timelinePath } from '../wal/timelines.ts';
import type { RecoveryTarget } from './target.ts';

/**
 * The latest backup from which a target can be reached: it ends before the target, and on the way to the timeline that is followed. Where a target tells no
 * moment (a transaction, a name), the latest of all on that way.
 * @returns the latest on the way when all end after the target, so that this is told
 * @throws {PitcrewError} `E_NOT_FOUND` when there is none at all, or none on the way to the timeline
 */
export async function chooseBackup(
  repository: Repository,
  { time, lsn, timeline }: RecoveryTarget,
): Promise<BackupRecord> {
  const backups = (await repository.backups()).toSorted(byLog);
  if (backups.length === 0) {
    throw new PitcrewError('E_NOT_FOUND', `there is no complete backup in ${repository.name}`);
  }
  const path = typeof timeline === 'number' ? await timelinePath(repository, timeline) : undefined;
  const onWay = backups.filter((backup) => {
    if (typeof timeline !== 'number') return true;
    return path ? partOf(path, backup.timeline, backup.endLsn) !== undefined : backup.timeline === timeline;
  });
  const at = time === undefined ? undefined : new Date(time);
  const inTime = onWay.filter(
    ({ endLsn, endedAt }) => (lsn === undefined || endLsn <= lsn) && (at === undefined || endedAt <= at),
  );
  const chosen = inTime.at(-1) ?? onWay[0];
  if (chosen) return chosen;
  throw new PitcrewError('E_NOT_FOUND', `no backup leads to timeline ${String(timeline)}`, {
    detail: `Those that are there are of timeline ${[...new Set(backups.map((backup) => backup.timeline))].join(', ')}.`,
    hint: 'Without --timeline the latest one is followed.',
  });
}

/** The timeline that is followed from a backup on, and the way there. */
export interface Followed {
  timeline: number;
  path: TimelinePath;
}

/**
 * What PostgreSQL follows: the latest timeline is the last of those that come one after the other and whose history is there.
 * @throws {PitcrewError} `E_NOT_FOUND` when the history of a timeline is missing, or when its way does not lead through the backup
 */
export async function followedTimeline(
  repository: Repository,
  backup: BackupRecord,
  { timeline = 'latest' }: RecoveryTarget,
  histories: readonly number[],
): Promise<Followed> {
  const own = backup.timeline;
  const latest = timeline === 'latest' ? latestTimeline(own, histories) : own;
  const wanted = typeof timeline === 'number' ? timeline : latest;
  const path = await timelinePath(repository, wanted);
  if (!path) {
    // Along its own timeline a backup needs no history.
    if (wanted === own) return { timeline: own, path: alone(own) };
    throw new PitcrewError('E_NOT_FOUND', `timeline ${wanted} is not known`, {
      detail: `Its history is not in ${repository.name}.`,
      hint: `The backup is of timeline ${own}.`,
    });
  }
  if (partOf(path, own, backup.endLsn)) return { timeline: wanted, path };
  throw new PitcrewError('E_NOT_FOUND', `timeline ${wanted} does not lead through the backup`, {
    detail: `It branched off before ${backup.id} ended, which is of timeline ${own}.`,
    hint:
      timeline === 'latest'
        ? `Follow the backup's own: --timeline ${own}. Or restore a backup of the latest timeline.`
        : 'Restore an earlier backup: "pitcrew backup list".',
  });
}
