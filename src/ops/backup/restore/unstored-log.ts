import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../../errors.ts';
import type { Repository } from '../repository/index.ts';
import { segmentPosition } from '../wal/segments.ts';

/**
 * Segments in a data directory that the repository does not have: the last moments of a server that died, which would be lost with the folder. Files that
 * are kept for later use, and have other content than their name says, do not count.
 * @returns their names, in order
 */
export async function unstoredLog(
  repository: Pick<Repository, 'hasWal'>,
  dataDir: string,
  segmentBytes: number,
): Promise<string[]> {
  const folder = join(dataDir, 'pg_wal');
  const names = await readdir(folder).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return [];
    throw error;
  });
  const found: string[] = [];
  for (const name of names.toSorted()) {
    const at = segmentPosition(name, segmentBytes);
    if (!at || (await pageAddress(join(folder, name))) !== at.startLsn) continue;
    if (!(await repository.hasWal(name))) found.push(name);
  }
  return found;
}

/** What the first page of a segment says where it is (PostgreSQL's `XLogPageHeaderData`). */
async function pageAddress(path: string): Promise<bigint | undefined> {
  await using file = await open(path, 'r');
  const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
  return bytesRead === 16 ? buffer.readBigUInt64LE(8) : undefined;
}
