import { hostname } from 'node:os';
import { PitcrewError } from '../../../errors.ts';
import { isRunning, type Repository, type StreamRecord } from '../repository/index.ts';
import { segmentName, segmentStart } from '../wal/segments.ts';
import type { TimelinePath } from '../wal/timelines.ts';
import { goOnFrom, inOrder, type Position } from './position.ts';

/** What is known of the server, as of the last connection. */
export interface Course {
  systemId: string;
  segmentBytes: number;
  timeline: number;
  /** How it came to its timeline. */
  path: TimelinePath;
  /** Histories of timelines, by PostgreSQL's names of the files. */
  histories: ReadonlyMap<string, string>;
  /** Where the first segment begins that the slot keeps. */
  keptFrom: Position;
}

/** How far a repository has come. */
export interface Place {
  /** The beginning of the first segment that is not complete. */
  position: Position;
  /** All before it is there; within a segment when there is a part of it. */
  stored: Position;
  storedAt: Date | undefined;
  firstLsn: bigint;
  startedAt: Date;
}

/** A record that was not written for so long is of a stream that has died. */
const staleMs = 3 * 60_000;

/**
 * Reads how far a repository has come: from what a stream has written down, and from the segments that are there behind it.
 * @returns `undefined` where no stream has stored anything yet, or nothing that the server has to do with
 * @throws {PitcrewError} `E_CONFLICT` when it belongs to another cluster, when another stream writes into it, or when it has a later timeline than the
 * server; `E_STORAGE`
 */
export async function readPlace(repository: Repository, slot: string, course: Course): Promise<Place | undefined> {
  const { segmentBytes } = course;
  await repository.claim(course.systemId);
  const record = await repository.stream();
  if (!record) return undefined;
  if (isOther(record, slot)) throw otherStream(repository.name, record);
  const stored = { timeline: record.timeline, lsn: record.storedLsn };
  if (stored.timeline > course.timeline) throw olderServer(repository.name, stored.timeline, course.timeline);
  const position = { ...stored, lsn: segmentStart(stored.lsn, segmentBytes) };
  for (;;) {
    const name = segmentName(position.timeline, position.lsn, segmentBytes);
    if (!(await repository.hasWal(name))) break;
    // Left by one who died in between.
    await repository.deletePartial(name);
    position.lsn += BigInt(segmentBytes);
    if (inOrder(position, stored) > 0) stored.lsn = position.lsn;
  }
  const goOn = goOnFrom(position, course.path, segmentBytes);
  if (!goOn) return undefined;
  const { firstLsn, startedAt, aliveAt } = record;
  return { position: goOn, stored, storedAt: aliveAt, firstLsn, startedAt };
}

/**
 * Up to where a repository has the log of the server that we are connected to. What it has of an older timeline, beyond the point where the server left that, is
 * nothing to the server.
 */
export const reachedLsn = ({ stored }: Place, course: Course): bigint | undefined =>
  goOnFrom(stored, course.path, course.segmentBytes)?.lsn;

/** The record of a stream, for others and for the next one. */
export function recordOf(
  { stored, firstLsn, startedAt }: Place,
  { slot, segmentBytes, isEnded }: { slot: string; segmentBytes: number; isEnded: boolean },
): StreamRecord {
  const now = new Date();
  return {
    format: 1,
    slot,
    host: hostname(),
    pid: process.pid,
    startedAt,
    aliveAt: now,
    endedAt: isEnded ? now : null,
    segmentBytes,
    timeline: stored.timeline,
    firstLsn,
    storedLsn: stored.lsn,
  };
}

/** Who writes into a repository, as its record says: `process 4711 on db2`. */
export const writerOf = ({ host, pid }: StreamRecord): string => `process ${pid} on ${host}`;

/** Of the same slot there is but one at a time, for which the server cares. */
function isOther(record: StreamRecord, slot: string): boolean {
  if (record.slot === slot || record.endedAt !== null) return false;
  if (Date.now() - record.aliveAt.getTime() > staleMs) return false;
  return record.host !== hostname() || isRunning(record.pid);
}

function otherStream(name: string, record: StreamRecord): PitcrewError {
  return new PitcrewError('E_CONFLICT', `another stream writes into ${name}`, {
    detail: `It is ${writerOf(record)}, with the slot ${record.slot}; it was there at ${record.aliveAt.toISOString()}.`,
    hint: 'Stop that one, or use its slot: then this one waits until that one has gone. Of one that has died no more is heard after 3 minutes.',
  });
}

function olderServer(name: string, stored: number, timeline: number): PitcrewError {
  return new PitcrewError(
    'E_QUERY',
    `the server is on timeline ${timeline}, and ${name} has log of timeline ${stored}`,
    {
      detail: 'It may be a former primary that was started again, or a standby that has not followed yet.',
      hint: 'Lead the address to the server that was promoted.',
    },
  );
}
