import { hostname } from 'node:os';
import { PitcrewError } from '../../../errors.ts';
import {
  type BackupRecord,
  byLog,
  type DumpRecord,
  lackingSegment,
  recordText,
  type Repository,
  startedKey,
  startedRecord,
  storeText,
} from '../repository/index.ts';
import { copyFile } from './copy-file.ts';
import { isConflict } from './is-conflict.ts';
import { mirrorDump, wantedDumps } from './mirror-dumps.ts';
import { mirrorGaps } from './mirror-gaps.ts';
import { mirrorKeys } from './mirror-keys.ts';
import { mirrorLog } from './mirror-log.ts';
import { mirrorPins } from './mirror-pins.ts';

export interface MirrorOptions {
  from: Repository;
  to: Repository;
  /** These, with what they build on. Without it: all that are newer than the newest that the target has, so that what was removed there does not come back. */
  backups?: readonly BackupRecord[] | undefined;
  /** Of dumps likewise. */
  dumps?: readonly DumpRecord[] | undefined;
  signal?: AbortSignal | undefined;
  onProgress?(progress: { doneBytes: number; totalBytes: number }): void;
}

/** What was copied. */
export interface Mirrored {
  backups: string[];
  dumps: string[];
  segments: number;
  /** Pins that were put there, changed or removed. */
  pins: number;
  /** Records of log that is lost. */
  gaps: number;
  /** As it is stored. */
  bytes: number;
}

/**
 * Copies backups, and the log from the oldest of them on, to another repository of the same cluster, just as they are stored: each file is compared with its
 * checksum on the way, and a backup is there once all of it is. With them go dumps, pins, keys that a passphrase opens, and what is known of log that is lost.
 * What is there already is not copied again, so that whatever is killed goes on the next time. Needs no key; what is sealed stays sealed for whom it is.
 * @throws {PitcrewError} `E_CONFLICT` when the target is of another cluster; `E_BACKUP_DAMAGED` for what is not as it was stored, or lacks its log;
 * `E_STORAGE`; `E_ABORTED`
 */
export async function mirror(options: MirrorOptions): Promise<Mirrored> {
  const { from, to, signal } = options;
  const record = await from.record();
  // Where the role may not see whose they are, there can be dumps all the same.
  if (record) await to.claim(record.systemId);
  await mirrorKeys(from, to);
  const copied: Mirrored = { backups: [], dumps: [], segments: 0, pins: 0, gaps: 0, bytes: 0 };
  // First, because whatever else fails, they have to hold.
  copied.pins = await mirrorPins(from, to);
  const there = await to.backups();
  const wanted = await wantedOf(options, there);
  const dumps = await wantedDumps(from, to, options.dumps);
  // Before their log is: whoever removes what nobody needs, or what killed makers left, has to see that somebody is at it.
  for (const { id, parent } of wanted) {
    const started = { startedAt: new Date(), host: hostname(), pid: process.pid, parent };
    await storeText(to.storage, startedKey(id), recordText(startedRecord, started));
  }
  const copyLog = async (): Promise<void> => {
    const { segments, bytes } = await mirrorLog({ from, to, backups: [...there, ...wanted], signal });
    copied.segments += segments;
    copied.bytes += bytes;
  };
  await copyLog();
  const files = [...wanted.flatMap((backup) => backup.files), ...dumps.map(({ file }) => file)];
  const totalBytes = files.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  let doneBytes = 0;
  const onBytes = (bytes: number): void => {
    doneBytes += bytes;
    options.onProgress?.({ doneBytes, totalBytes });
  };
  for (const backup of wanted) {
    await requireLog(to, backup);
    for (const file of backup.files) copied.bytes += await copyFile(file, { from, to, signal, onBytes });
    await complete(to, backup);
    copied.backups.push(backup.id);
  }
  // A prune that had begun before may have taken it.
  for (const backup of wanted) if ((await lackingSegment(to, backup)) !== undefined) await copyLog();
  for (const dump of dumps) {
    copied.bytes += await mirrorDump(dump, { from, to, signal, onBytes });
    copied.dumps.push(dump.id);
  }
  copied.gaps = await mirrorGaps({ from, to, backups: [...there, ...wanted] });
  if (copied.backups.length > 0) copied.pins += await mirrorPins(from, to);
  return copied;
}

/** Oldest first: what others build on is there before them. */
async function wantedOf({ from, backups }: MirrorOptions, there: readonly BackupRecord[]): Promise<BackupRecord[]> {
  const chosen = backups ?? newerThan(there, await from.backups());
  const wanted = new Map<string, BackupRecord>();
  for (const backup of chosen) for (const each of await from.chain(backup)) wanted.set(each.id, each);
  for (const { id } of there) wanted.delete(id);
  return [...wanted.values()].toSorted(byLog);
}

/** Of some backups those that are newer than the newest of others: what a copy of them lacks. */
export function newerThan(there: readonly BackupRecord[], all: readonly BackupRecord[]): BackupRecord[] {
  const newest = there.toSorted(byLog).at(-1);
  return all.filter((each) => !newest || byLog(newest, each) < 0);
}

async function requireLog(to: Repository, backup: BackupRecord): Promise<void> {
  const name = await lackingSegment(to, backup);
  if (name === undefined) return;
  throw new PitcrewError('E_BACKUP_DAMAGED', `backup ${backup.id} lacks a part of its log`, {
    detail: `${name} is missing: it was not copied.`,
  });
}

async function complete(to: Repository, backup: BackupRecord): Promise<void> {
  try {
    await to.putBackup(backup);
  } catch (error) {
    // Another copied it meanwhile.
    if (!isConflict(error)) throw error;
    await to.storage.delete(startedKey(backup.id));
  }
}
