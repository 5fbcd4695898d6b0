import { text as readAll } from 'node:stream/consumers';
import { lsnOf } from '../../../engine/postgres/replication/index.ts';
import type { Repository } from '../repository/index.ts';
import { segmentStart } from '../wal/segments.ts';

/** Where timelines were left for others, as far as their histories can be read: without a key, those that are encrypted cannot. */
export async function timelineEnds(
  repository: Repository,
  histories: readonly string[],
  segmentBytes: number,
): Promise<Map<number, bigint>> {
  const ends = new Map<number, bigint>();
  for (const name of histories) {
    const content = await repository.readWal(name);
    if (!content) continue;
    const text = await readAll(content).catch(() => '');
    // One line for each timeline that was left, its number and where; the last one is of the direct parent.
    const last = text.split('\n').findLast((line) => /^\s*\d+\s+[0-9A-F]+\/[0-9A-F]+/i.test(line)) ?? '';
    const [, timeline = '', position = ''] = /^\s*(\d+)\s+(\S+)/.exec(last) ?? [];
    const left = lsnOf(position);
    if (left === undefined) continue;
    // The segment in which it was left is there as the first of the new timeline.
    const at = segmentStart(left, segmentBytes);
    const before = ends.get(Number(timeline)) ?? 0n;
    if (at > before) ends.set(Number(timeline), at);
  }
  return ends;
}
