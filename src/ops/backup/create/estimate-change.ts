import { connectDatabase, readChangedBlocks } from '../../../engine/postgres/index.ts';
import { lsnOf, lsnText } from '../../../engine/postgres/replication/index.ts';
import type { BackupRecord } from '../repository/index.ts';

/** How much has changed since a backup. */
export type Change =
  /** `counted`: by the server's notes of changed blocks, else by the length of the log. */
  | { known: true; bytes: number; counted: boolean }
  /** The server's notes do not reach back so far. */
  | { known: false };

/** Counting must not hold up a backup, nor be a load. */
const countingMs = 20_000;
/** With so much log, one block in one is counted; with twice as much, one in two. */
const logOfOne = 1024 ** 3;

/**
 * Estimates how much has changed since a backup, up to a position of the log. Where the server's notes cannot be read, as without the right to connect to a
 * database, by how much log was written: full pages and changes alike, so it tells the order of magnitude.
 */
export async function estimateChange(url: string, since: BackupRecord, flushedLsn: bigint): Promise<Change> {
  const { timeline, startLsn, blockBytes } = since;
  const byLength: Change = { known: true, bytes: written(since, startLsn, flushedLsn), counted: false };
  const oneIn = Math.floor(byLength.bytes / logOfOne) + 1;
  let row: Awaited<ReturnType<typeof readChangedBlocks>>;
  try {
    const connection = await connectDatabase({
      url,
      statementTimeoutMs: countingMs,
      applicationName: 'pitcrew backup',
    });
    try {
      row = await readChangedBlocks(connection, { timeline, behind: lsnText(startLsn), oneIn });
    } finally {
      await connection.close();
    }
  } catch {
    return byLength;
  }
  // What was written since the last checkpoint is not noted yet.
  if (!row || row.from === null || row.to === null) return byLength;
  const [from, to] = [lsnOf(row.from) ?? 0n, lsnOf(row.to) ?? 0n];
  if (from > startLsn) return { known: false };
  return { known: true, bytes: row.blocks * blockBytes + written(since, to, flushedLsn), counted: true };
}

/** Log from one position to another, in bytes. Where the backup ended, its segment was left unfilled. */
function written({ endLsn, segmentBytes }: BackupRecord, from: bigint, to: bigint): number {
  const size = BigInt(segmentBytes);
  const filled = ((endLsn + size - 1n) / size) * size;
  const unfilledFrom = from > endLsn ? from : endLsn;
  const unfilled = filled > unfilledFrom && filled <= to ? filled - unfilledFrom : 0n;
  return to > from ? Number(to - from - unfilled) : 0;
}
