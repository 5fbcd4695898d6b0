import { baseBackup, type PhysicalConnection } from '../../../engine/postgres/replication/physical/index.ts';
import { PitcrewError } from '../../../errors.ts';
import type { BackupRecord, Repository } from '../repository/index.ts';
import type { Begun } from './options.ts';
import { missingIn, storedLog } from '../wal/ranges.ts';
import { segmentStart } from '../wal/segments.ts';

/**
 * From where on the log since a backup is not in the repository yet: the beginning of a segment.
 * @param to up to where it is needed
 */
export async function firstMissing(repository: Repository, since: BackupRecord, to: bigint): Promise<bigint> {
  const { timeline, segmentBytes } = since;
  const from = segmentStart(since.endLsn, segmentBytes);
  const end = to > from ? segmentStart(to - 1n, segmentBytes) + BigInt(segmentBytes) : from;
  const [missing] = missingIn(await storedLog(repository, segmentBytes), { timeline, from, to: end });
  return missing?.from ?? end;
}

/**
 * A position behind all that is committed now, and behind which there is a record: where a backup would begin. That needs no other right than to replicate, and
 * ends the segment before. The backup is given up at once, and the connection with it.
 */
export async function endOfLog(base: PhysicalConnection, checkpoint: 'fast' | 'spread'): Promise<bigint> {
  for await (const event of baseBackup(base, { label: 'pitcrew ends a segment', checkpoint })) {
    if (event.type === 'begin') return event.startLsn;
  }
  throw new PitcrewError('E_INTERNAL', 'the server ended the backup too early');
}

/** What an incremental backup is before PostgreSQL 17: the log since the one before, and no files. */
export function logRecord(
  parent: BackupRecord,
  begun: Begun,
  made: Pick<BackupRecord, 'serverVersion' | 'endLsn' | 'endedAt' | 'recipients' | 'madeBy'>,
): BackupRecord {
  return {
    ...begun,
    ...made,
    format: 1,
    timeline: parent.timeline,
    startLsn: parent.endLsn,
    label: `pitcrew ${begun.id}`,
    tablespaces: parent.tablespaces,
    files: [],
  };
}

/** @param error what the server said when it was asked for the log since then */
export function logGone(error: unknown, since: BackupRecord): unknown {
  if (!(error instanceof PitcrewError) || error.sqlState !== '58P01') return error;
  return new PitcrewError('E_NOT_FOUND', `the server does not have all log since ${since.id} any more`, {
    detail: `${error.message}${error.detail === undefined ? '' : `: ${error.detail}`}.`,
    hint: 'Make a full backup. "pitcrew backup stream" receives the log all the time; a replication slot or wal_keep_size lets the server keep it longer.',
    cause: error,
  });
}
