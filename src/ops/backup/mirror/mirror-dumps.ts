import { byDumpLog, putDump, readDumps } from '../dump/dumps.ts';
import { type DumpRecord, type Repository } from '../repository/index.ts';
import { isConflict } from './is-conflict.ts';
import { copyFile, type CopyFileOptions } from './copy-file.ts';

/** Dumps that a target lacks, the oldest first: those that are chosen, or all that are newer than the newest there. */
export async function wantedDumps(
  from: Repository,
  to: Repository,
  chosen: readonly DumpRecord[] | undefined,
): Promise<DumpRecord[]> {
  const there = await readDumps(to);
  const newest = there.at(-1);
  const all = chosen ?? (await readDumps(from)).filter((dump) => !newest || byDumpLog(newest, dump) < 0);
  const known = new Set(there.map(({ id }) => id));
  return all.filter(({ id }) => !known.has(id)).toSorted(byDumpLog);
}

/** Copies a dump: it is there once all of it is. @returns how many bytes were copied @throws {PitcrewError} as `copyFile` */
export async function mirrorDump(dump: DumpRecord, options: CopyFileOptions): Promise<number> {
  const bytes = await copyFile(dump.file, options);
  try {
    await putDump(options.to, dump);
  } catch (error) {
    // Another copied it meanwhile.
    if (!isConflict(error)) throw error;
  }
  return bytes;
}
