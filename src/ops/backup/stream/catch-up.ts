import { openPhysical } from '../../../engine/postgres/replication/physical/index.ts';
import { lsnText } from '../../../engine/postgres/replication/index.ts';
import { PitcrewError } from '../../../errors.ts';
import { receiveLog } from './receive.ts';
import type { LaneStore } from './lane-store.ts';
import type { Course, Place } from './place.ts';
import { streamName } from './session.ts';
import { makeSpool, type Spool } from './spool.ts';
import { goOnFrom, inOrder, type Position } from './position.ts';

export interface CatchUpOptions {
  url: string;
  course: Course;
  place: Place;
  store: LaneStore;
  spool: Spool;
  silenceLimitMs: number;
  signal: AbortSignal;
}

/** So many segments wait for a repository that gets what it missed. */
const waitingSegments = 2;

/**
 * Gets a repository what it missed, on a connection of its own, until it has come to what the others get. The log is there, because the slot keeps what is not
 * stored everywhere.
 * @throws {PitcrewError} what is not there any more has the SQLSTATE 58P01; of the connection and the storage
 */
export async function catchUp({ url, course, place, store, ...options }: CatchUpOptions): Promise<void> {
  const from = goOnFrom(place.position, course.path, course.segmentBytes);
  if (!from) throw elsewhere(place, course);
  place.position = from;
  const connection = await openPhysical({ url, applicationName: streamName });
  await using spool = makeSpool(options.spool.folder, course.segmentBytes);
  const cut = (): void => connection.destroy();
  options.signal.addEventListener('abort', cut, { once: true });
  let failure: unknown;
  const over = new AbortController();
  const following = receiveLog({
    connection,
    spool,
    from,
    segmentBytes: course.segmentBytes,
    silenceLimitMs: options.silenceLimitMs,
    async room() {
      while (spool.count > waitingSegments && !over.signal.aborted) await spool.bell.heard();
    },
  }).catch((error: unknown) => {
    failure = error;
    spool.bell.ring();
  });
  try {
    for (;;) {
      const { first } = spool;
      if (first) place.position = { timeline: first.timeline, lsn: first.startLsn };
      if (options.signal.aborted || isWithOthers(options.spool, place.position)) return;
      if (first && first.phase !== 'growing') {
        if (first.phase === 'complete') await store.complete(first, place);
        else await store.partial(first, place);
        spool.dropFirst();
      } else if (failure !== undefined) {
        throw failure;
      } else {
        await spool.bell.heard({ ms: 1000, signal: options.signal });
      }
    }
  } finally {
    over.abort();
    options.signal.removeEventListener('abort', cut);
    spool.bell.ring();
    connection.destroy();
    await following;
    await connection.close();
  }
}

function isWithOthers({ end, find }: Spool, position: Position): boolean {
  return find(position) !== undefined || (end !== undefined && inOrder(end, position) <= 0);
}

function elsewhere({ position }: Place, course: Course): PitcrewError {
  return new PitcrewError('E_QUERY', 'the server does not come from where the repository is', {
    detail: `The repository is at ${lsnText(position.lsn)} of timeline ${position.timeline}; the server is on timeline ${course.timeline}.`,
  });
}
