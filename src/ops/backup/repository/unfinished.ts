import { hostname } from 'node:os';
import type { z } from 'zod';
import { isRunning } from '../is-running.ts';
import type { Storage } from '../storage/index.ts';
import { backupRecordKey, backupsPrefix, startedKey } from './layout.ts';
import { readRecord } from './record-file.ts';
import { startedRecord } from './records.ts';

type Started = z.output<typeof startedRecord>;

/** A backup that is not complete. */
export interface Unfinished {
  id: string;
  /** Who makes it; missing where its maker, or who removes it, has died half-way. */
  started: Started | undefined;
  /** Nobody makes it any more. */
  isOver: boolean;
}

/** Backups that are being made, or were when their makers died. @throws {PitcrewError} `E_STORAGE` */
export async function unfinishedBackups(storage: Storage): Promise<Unfinished[]> {
  const complete = new Set<string>();
  const all = new Set<string>();
  for await (const { key } of storage.list(backupsPrefix)) {
    const [, id = ''] = key.split('/');
    all.add(id);
    if (key === backupRecordKey(id)) complete.add(id);
  }
  const found: Unfinished[] = [];
  for (const id of all) {
    if (complete.has(id)) continue;
    const started = await readRecord(storage, startedKey(id), startedRecord);
    found.push({ id, started, isOver: isOver(started) });
  }
  return found;
}

/** No backup takes so long; of a maker on another machine nothing else is known. */
const longestMs = 7 * 86_400_000;

/** Whether nobody makes it any more. Without a record its maker was removing it. */
function isOver(started: Started | undefined): boolean {
  if (!started || Date.now() - started.startedAt.getTime() > longestMs) return true;
  return started.host === hostname() && !isRunning(started.pid);
}
