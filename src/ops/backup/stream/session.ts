import { parseSize } from '../../../config/index.ts';
import type { PhysicalConnection } from '../../../engine/postgres/replication/physical/index.ts';
import { PitcrewError } from '../../../errors.ts';
import { segmentBytesOf } from '../wal/segment-size.ts';
import type { Course } from './place.ts';
import { ensureSlot, type FoundSlot } from './slot.ts';
import { parseHistory, type TimelinePath } from '../wal/timelines.ts';

/** What a server calls our connections. */
export const streamName = 'pitcrew backup stream';

/** What a server says at the beginning of a session. */
export interface Greeting {
  course: Course;
  slot: FoundSlot;
  /** Up to where its log is on disk. */
  flushedLsn: bigint;
  /** `max_slot_wal_keep_size` in bytes; `null`: without a limit. */
  slotLimitBytes: number | null;
  /** Commits may wait for us: `synchronous_standby_names` has us too. */
  isSynchronous: boolean;
}

/**
 * Asks a server for all that is needed to stream from it, and makes the slot when it is missing.
 * @throws {PitcrewError} of the connection, and what the server refuses
 */
export async function greet(connection: PhysicalConnection, slot: string): Promise<Greeting> {
  const { systemId, timeline, flushedLsn } = await connection.identify();
  const segmentBytes = await segmentBytesOf(connection);
  const limit = await connection.show('max_slot_wal_keep_size');
  const synchronous = await connection.show('synchronous_standby_names');
  const histories = await readHistories(connection, timeline);
  const found = await ensureSlot(connection, { slot, timeline, segmentBytes });
  return {
    course: {
      systemId,
      segmentBytes,
      timeline,
      path: pathOf(histories, timeline),
      histories,
      keptFrom: found.keptFrom,
    },
    slot: found,
    flushedLsn,
    slotLimitBytes: limit === '-1' ? null : (parseSize(limit) ?? null),
    isSynchronous: synchronous.includes('*') || synchronous.includes(streamName),
  };
}

/** How a server came to its timeline, by the histories that it has. @throws {PitcrewError} `E_BACKUP_DAMAGED` for what is no history */
export const pathOf = (histories: ReadonlyMap<string, string>, timeline: number): TimelinePath =>
  parseHistory([...histories.values()].at(-1) ?? '', timeline);

/** Histories of a timeline and of those before it, as far as the server has them: its own has all of theirs. */
export async function readHistories(connection: PhysicalConnection, timeline: number): Promise<Map<string, string>> {
  const found: [string, string][] = [];
  const before: number[] = [];
  if (timeline > 1) {
    const { name, content } = await connection.timelineHistory(timeline);
    found.push([name, content]);
    before.push(...parseHistory(content, timeline).map((part) => part.timeline));
  }
  for (const older of before.toReversed().filter((each) => each > 1 && each < timeline)) {
    try {
      const { name, content } = await connection.timelineHistory(older);
      found.unshift([name, content]);
    } catch (error) {
      // Removed long ago.
      if (!(error instanceof PitcrewError) || error.sqlState === undefined) throw error;
    }
  }
  return new Map(found);
}
