import { Readable } from 'node:stream';
import type { Repository } from '../repository/index.ts';
import { type Course, type Place, recordOf } from './place.ts';
import type { SpoolSegment } from './spool.ts';
import { inOrder, type Position } from './position.ts';

/** Says in a repository how far it has come, every so often at least: whoever looks can tell that we are alive. */
export const aliveEveryMs = 60_000;
/** Complete segments need not be written down one by one: they are there to be seen. */
const recordEveryMs = 10_000;

export interface StoreOptions {
  repository: Repository;
  slot: string;
  course(): Course;
  /** Gives up what is being stored. */
  signal: AbortSignal;
  onStored(name: string, place: Place, partial: boolean): void;
}

/** Stores segments in one repository, and writes down how far it is. */
export interface LaneStore {
  /** When its record was written last, by `performance.now()`. */
  readonly recordedAt: number;
  complete(segment: SpoolSegment, place: Place): Promise<void>;
  /** What there is of a segment; never less than was there before. */
  partial(segment: SpoolSegment, place: Place): Promise<void>;
  record(place: Place, isEnded?: boolean): Promise<void>;
}

export function makeLaneStore(options: StoreOptions): LaneStore {
  const { repository, slot, course, signal } = options;
  let recordedAt = -Infinity;
  /** The segment of which a part may be there. */
  let part: string | undefined;
  const histories = new Set<string>();

  async function record(place: Place, isEnded = false): Promise<void> {
    await repository.putStream(recordOf(place, { slot, segmentBytes: course().segmentBytes, isEnded }));
    recordedAt = performance.now();
  }

  /**
   * After the first log of a timeline, not before: a recovery that sees the history follows it, and without log of the new timeline it would take the old one's
   * beyond the point where that was left.
   */
  async function storeHistories(timeline: number): Promise<void> {
    for (const [name, content] of course().histories) {
      if (histories.has(name) || Number.parseInt(name, 16) > timeline) continue;
      if (!(await repository.hasWal(name))) await repository.putWal(name, Readable.from([Buffer.from(content)]));
      histories.add(name);
    }
  }

  async function stored(segment: SpoolSegment, place: Place, to: Position, partial: boolean): Promise<void> {
    await storeHistories(segment.timeline);
    const next = { ...place, stored: to, storedAt: new Date() };
    // What counts as stored is never less after a restart than it was: a part cannot be seen from its outside.
    if (partial || performance.now() - recordedAt > recordEveryMs) await record(next);
    Object.assign(place, next);
    options.onStored(segment.name, place, partial);
  }

  return {
    get recordedAt() {
      return recordedAt;
    },
    async complete(segment, place) {
      const { name, timeline, startLsn, bytes } = segment;
      // Where a backup has stored it in the meantime, or we did before we were killed.
      if (!(await repository.hasWal(name))) await repository.putWal(name, segment.read(bytes, signal));
      if (part === name || part === undefined) await repository.deletePartial(name);
      part = '';
      const end = { timeline, lsn: startLsn + BigInt(bytes) };
      place.position = end;
      await stored(segment, place, inOrder(end, place.stored) > 0 ? end : place.stored, false);
    },
    async partial(segment, place) {
      const { name, timeline, startLsn, bytes } = segment;
      const end = { timeline, lsn: startLsn + BigInt(bytes) };
      if (bytes === 0 || inOrder(end, place.stored) <= 0) return;
      part = name;
      await repository.putPartial(name, segment.read(bytes, signal));
      await stored(segment, place, end, true);
    },
    record,
  };
}
