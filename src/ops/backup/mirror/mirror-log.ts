import type { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { PitcrewError } from '../../../errors.ts';
import { segmentPosition } from '../wal/segments.ts';
import {
  type BackupRecord,
  checksumKey,
  isChecksum,
  isPartial,
  nameOfKey,
  nameOfPartial,
  readChecksum,
  type Repository,
  storeChecksum,
} from '../repository/index.ts';

export interface MirrorLogOptions {
  from: Repository;
  to: Repository;
  /** What the target has, or is to have: log from before all of them is not copied. */
  backups: readonly BackupRecord[];
  signal?: AbortSignal | undefined;
}

/**
 * Copies the log that another repository lacks, segment by segment, and histories of timelines. What is there is never replaced, however it is sealed.
 * @throws {PitcrewError} `E_STORAGE`; `E_ABORTED`
 */
export async function mirrorLog({
  from,
  to,
  backups,
  signal,
}: MirrorLogOptions): Promise<{ segments: number; bytes: number }> {
  const copied = { segments: 0, bytes: 0 };
  let place = '';
  let there = new Map<string, number>();
  for await (const { name, key, bytes } of from.wal()) {
    if (!isWanted(name, backups)) continue;
    // 256 segments of the usual size at a time: neither a listing of all nor a question for each.
    const group = key.slice(0, key.lastIndexOf('/') + 1 + 16);
    if (group !== place) {
      place = group;
      there = new Map();
      for await (const object of to.storage.list(group)) {
        if (!isChecksum(object.key)) there.set(nameOfKey(object.key), object.bytes);
      }
    }
    if (there.has(nameOfPartial(name)) || (isPartial(name) && there.get(name) === bytes)) continue;
    copied.bytes += await copy(from, to, key, signal);
    copied.segments += 1;
  }
  return copied;
}

/** Compares it with its checksum on the way, where it has one, as all that are complete do. */
async function copy(from: Repository, to: Repository, key: string, signal: AbortSignal | undefined): Promise<number> {
  const expected = (await from.storage.head(checksumKey(key))) && (await readChecksum(from.storage, key));
  const hash = createHash('sha256');
  async function* checked(): AsyncGenerator<Buffer> {
    for await (const piece of from.storage.get(key)) {
      hash.update(piece);
      yield piece;
    }
    if (expected === undefined || hash.copy().digest('hex') === expected) return;
    throw new PitcrewError('E_BACKUP_DAMAGED', 'a file of the log is not what it was', {
      detail: `${key} in ${from.name}: it was not copied.`,
    });
  }
  const bytes = await to.storage.put(key, checked(), { signal });
  if (expected !== undefined) await storeChecksum(to.storage, key, expected);
  return bytes;
}

/** Whether log is of a target that has, or is to have, these backups. */
export function isWanted(name: string, backups: readonly BackupRecord[]): boolean {
  const [first] = backups;
  if (!first) return false;
  const at = segmentPosition(nameOfPartial(name), first.segmentBytes);
  if (!at) return /^[0-9A-F]{8}\.history$/.test(name);
  const end = at.startLsn + BigInt(first.segmentBytes);
  return backups.some(({ timeline, startLsn }) => at.timeline > timeline || end > startLsn);
}
