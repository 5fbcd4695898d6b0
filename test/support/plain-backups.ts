import { Readable } from 'node:stream';
import { segmentName } from '../../src/ops/backup/wal/segments.ts';
import type { BackupRecord, DumpRecord, GapRecord, Repository } from '../../src/ops/backup/repository/index.ts';
import { dumpFileKey, putDump } from '../../src/ops/backup/dump/dumps.ts';

const segmentBytes = 1024 * 1024;
const systemId = '7300000000000000001';
const day = 86_400_000;

/** Where the segment of a number begins. */
export const positionOf = (segment: number): bigint => BigInt(segment) * BigInt(segmentBytes);
export const segmentOf = (segment: number, timeline = 1): string =>
  segmentName(timeline, positionOf(segment), segmentBytes);

/** Stores segments of log, each of a few bytes. */
export async function putSegments(
  repository: Repository,
  numbers: readonly number[],
  { timeline = 1, bytes = 100 }: { timeline?: number; bytes?: number } = {},
): Promise<void> {
  for (const number of numbers) {
    await repository.putWal(segmentOf(number, timeline), Readable.from([Buffer.alloc(bytes, `${number} `)]));
  }
}

/**
 * Stores a complete backup whose files are a few bytes, for tests that restore nothing. It takes the segment of its number, which is stored with it, and ended so
 * many days after the beginning of November 2026.
 */
export async function putBackupAt(
  repository: Repository,
  segment: number,
  more: Partial<BackupRecord> = {},
): Promise<BackupRecord> {
  await repository.claim(systemId);
  const { timeline = 1, type = 'full' } = more;
  const endedAt = new Date(Date.UTC(2026, 10, 1, 12) + segment * day);
  const id = more.id ?? `${endedAt.toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${type}`;
  await putSegments(repository, [segment], { timeline });
  const file = await repository.putFile(id, 'base.tar', Readable.from([Buffer.from(`the files of ${id}`)]));
  const record: BackupRecord = {
    format: 1,
    id,
    type,
    parent: null,
    systemId,
    serverVersion: 180_000,
    segmentBytes,
    blockBytes: 8192,
    timeline,
    startLsn: positionOf(segment) + 5n,
    endLsn: positionOf(segment) + 9n,
    startedAt: new Date(endedAt.getTime() - 60_000),
    endedAt,
    label: '',
    tablespaces: [],
    files: [file],
    warnings: [],
    recipients: [],
    madeBy: 'a test',
    ...more,
  };
  await repository.putBackup(record);
  return record;
}

/** Stores a dump of a few bytes. */
export async function putDumpAt(
  repository: Repository,
  segment: number,
  more: Partial<DumpRecord> = {},
): Promise<DumpRecord> {
  const startedAt = new Date(Date.UTC(2026, 10, 1, 13) + segment * day);
  const { database = 'shop' } = more;
  const id = `${startedAt.toISOString().replaceAll(/[-:.]/g, '')}-dump-${database}`;
  const file = await repository.putDumpFile(
    (encrypted) => dumpFileKey(id, encrypted),
    Readable.from([Buffer.from(`the dump ${id}`)]),
  );
  const record: DumpRecord = {
    format: 1,
    id,
    database,
    tables: [],
    systemId,
    serverVersion: 180_000,
    timeline: 1,
    lsn: positionOf(segment),
    startedAt,
    endedAt: startedAt,
    file,
    client: '18.0',
    warnings: [],
    recipients: [],
    madeBy: 'a test',
    ...more,
  };
  await putDump(repository, record);
  return record;
}

/** Lost log, from one segment to another. */
export function gapOf(first: number, last: number): GapRecord {
  return {
    format: 1,
    timeline: 1,
    first: segmentOf(first),
    last: segmentOf(last),
    segments: last - first + 1,
    fromLsn: positionOf(first),
    toLsn: positionOf(last + 1),
    noticedAt: new Date(0),
    reason: 'the slot was dropped',
  };
}
