import { segmentPosition } from '../wal/segments.ts';
import { nameOfKey } from './layout.ts';
import type { BackupRecord } from './records.ts';
import type { Repository } from './repository.ts';

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
  let there = new Set<string>();
  for await (const { name, key } of from.wal()) {
    if (!isWanted(name, backups)) continue;
    // 256 segments of the usual size at a time: neither a listing of all nor a question for each.
    const group = key.slice(0, key.lastIndexOf('/') + 1 + 16);
    if (group !== place) {
      place = group;
      there = new Set();
      for await (const object of to.storage.list(group)) there.add(nameOfKey(object.key));
    }
    if (there.has(name)) continue;
    copied.bytes += await to.storage.put(key, from.storage.get(key), { signal });
    copied.segments += 1;
  }
  return copied;
}

function isWanted(name: string, backups: readonly BackupRecord[]): boolean {
  const [first] = backups;
  if (!first) return false;
  const at = segmentPosition(name, first.segmentBytes);
  // What is not whole yet is none of ours.
  if (!at) return /^[0-9A-F]{8}\.history$/.test(name);
  const end = at.startLsn + BigInt(first.segmentBytes);
  return backups.some(({ timeline, startLsn }) => at.timeline > timeline || end > startLsn);
}
