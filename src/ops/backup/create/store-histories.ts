import { Readable } from 'node:stream';
import type { PhysicalConnection } from '../../../engine/postgres/replication/physical/index.ts';
import { PitcrewError } from '../../../errors.ts';
import type { BackupRecord, Repository } from '../repository/index.ts';
import { readHistories } from '../stream/session.ts';
import { followLog } from '../wal/follow.ts';
import { storedLog } from '../wal/ranges.ts';
import { parseHistory, partOf } from '../wal/timelines.ts';

/** The histories of the server's timeline and those before; none of one that the server does not have any more. */
export async function historiesOf(connection: PhysicalConnection, timeline: number): Promise<Map<string, string>> {
  try {
    return await readHistories(connection, timeline);
  } catch (error) {
    if (error instanceof PitcrewError && error.sqlState !== undefined) return new Map();
    throw error;
  }
}

/**
 * Stores the histories that lead from an earlier backup to one that was made after a promotion, so that the earlier is restored across that. Only when the log
 * between is there: with a history recovery leaves the old timeline, and where the new one's log has a gap it would get less far than without, or go astray.
 */
export async function storeHistories(
  repository: Repository,
  { timeline, endLsn, segmentBytes }: BackupRecord,
  histories: ReadonlyMap<string, string>,
): Promise<void> {
  const own = [...histories.values()].at(-1);
  if (own === undefined) return;
  const path = parseHistory(own, timeline);
  const earlier = (await repository.backups()).findLast(
    (backup) => backup.timeline < timeline && partOf(path, backup.timeline, backup.endLsn) !== undefined,
  );
  if (!earlier) return;
  const way = { timeline: earlier.timeline, from: earlier.startLsn, to: endLsn };
  const { reaches, missing } = followLog(await storedLog(repository, segmentBytes), path, way);
  if (!reaches || missing.length > 0) return;
  for (const [name, content] of histories) {
    if (Number.parseInt(name, 16) <= earlier.timeline || (await repository.hasWal(name))) continue;
    await repository.putWal(name, Readable.from([Buffer.from(content)]));
  }
}
