import { type GapRecord, type Repository, stopsEncrypting } from '../repository/index.ts';
import { makeBell } from './bell.ts';
import { catchUp } from './catch-up.ts';
import { faultOf, isFatal, waitAfter } from './faults.ts';
import { missingBetween } from './gaps.ts';
import { aliveEveryMs, makeLaneStore } from './lane-store.ts';
import { type Course, type Place, readPlace } from './place.ts';
import { isRemoved } from './slot.ts';
import type { Spool, SpoolSegment } from './spool.ts';
import { inOrder, type Position } from './position.ts';
import type { RepositoryState, StreamFault } from './types.ts';

export interface LaneOptions {
  url: string;
  repository: Repository;
  slot: string;
  spool: Spool;
  course(): Course;
  partialEveryMs: number;
  awayAfterMs: number;
  silenceLimitMs: number;
  /** What fails is thrown, and not tried again. */
  once: boolean;
  /** Gives up what is being stored. */
  signal: AbortSignal;
  onStored(name: string, place: Place, partial: boolean): void;
  /** What is stored is not encrypted, as it was before. */
  onUnencrypted(): void;
  onGap(gap: GapRecord): void;
  onFailing(error: StreamFault, nextAttemptAt: Date): void;
  onAway(error: StreamFault, since: Date): void;
  onBack(): void;
}

/** The way of the log into one repository: at its own pace, whatever becomes of the others. */
export interface Lane {
  readonly repository: Repository;
  readonly phase: RepositoryState['phase'];
  readonly place: Place | undefined;
  readonly fault: LaneFault | undefined;
  /** The number of the segment that it takes next; `undefined` while it gets what it missed. */
  readonly cursor: number | undefined;
  /** It takes what comes, and has not been at one thing for long: worth waiting for. */
  readonly isKeepingUp: boolean;
  /** Stores what there is of the segment that is growing now, rather than later. */
  flush(): void;
  /** Stores until it is stopped, or has come to where it is to finish. @throws what no new attempt can mend */
  run(): Promise<void>;
  /** Ends it where all before a position is stored. `atAnyCost`: not where something fails. */
  finish(to: Position | undefined, atAnyCost: boolean): void;
}

export type LaneFault = StreamFault & { since: Date; at: Date; nextAttemptAt: Date };

/** Failures wait at most so long for the next attempt. */
const longestWaitMs = 15_000;
/** Errors of the connection by which it gets what it missed: the repository is not to blame. */
const ofServer = new Set(['E_DATABASE_UNREACHABLE', 'E_DATABASE_REFUSED', 'E_CONNECTION_LOST', 'E_QUERY']);
/** Who is at one thing for longer holds nobody else up. */
const patienceMs = 30_000;

export function makeLane(options: LaneOptions): Lane {
  const { repository, slot, spool, course, signal, partialEveryMs } = options;
  const store = makeLaneStore(options);
  const wake = makeBell();
  let place: Place | undefined;
  let cursor: number | undefined;
  let phase: 'starting' | 'current' | 'behind' = 'starting';
  let fault: LaneFault | undefined;
  let failures = 0;
  let isAway = false;
  let busySince: number | undefined;
  let partialAt = performance.now();
  let isAsked = false;
  let last: { to: Position | undefined; atAnyCost: boolean } | undefined;

  /** Where it has to be when it begins: where it was, or where all begin. */
  async function open(): Promise<Place | undefined> {
    const found = await readPlace(repository, slot, course());
    if (await stopsEncrypting(repository)) {
      options.onUnencrypted();
    }
    if (found) return found;
    const { first, end } = spool;
    const begin = first ? { timeline: first.timeline, lsn: first.startLsn } : end;
    if (!begin) return undefined;
    return { position: begin, stored: { ...begin }, storedAt: undefined, firstLsn: begin.lsn, startedAt: new Date() };
  }

  function wanted(at: Place): SpoolSegment | undefined {
    if (cursor !== undefined) return spool.at(cursor);
    return spool.find(at.position);
  }

  /** @returns false when there is nothing to do */
  async function step(at: Place): Promise<boolean> {
    const segment = wanted(at);
    if (segment) {
      cursor = segment.number;
      phase = 'current';
      return take(segment, at);
    }
    const hasAll = cursor === undefined ? !spool.end || inOrder(spool.end, at.position) <= 0 : cursor >= spool.next;
    if (hasAll) {
      phase = 'current';
      return false;
    }
    cursor = undefined;
    if (last && !last.atAnyCost) return false;
    phase = 'behind';
    await fetchMissed(at);
    return true;
  }

  async function take(segment: SpoolSegment, at: Place): Promise<boolean> {
    if (segment.phase === 'complete') {
      await store.complete(segment, at);
    } else if (segment.phase !== 'growing') {
      await store.partial(segment, at);
    } else {
      const end = { timeline: segment.timeline, lsn: segment.startLsn + BigInt(segment.bytes) };
      const isDue = performance.now() - partialAt >= partialEveryMs;
      const isLast = last?.to !== undefined && inOrder(end, last.to) >= 0;
      if (!(isDue || isLast || isAsked) || inOrder(end, at.stored) <= 0) return false;
      partialAt = performance.now();
      isAsked = false;
      await store.partial(segment, at);
      return true;
    }
    cursor = segment.number + 1;
    spool.bell.ring();
    return true;
  }

  async function fetchMissed(at: Place): Promise<void> {
    const { url, silenceLimitMs } = options;
    try {
      await catchUp({ url, course: course(), place: at, store, spool, silenceLimitMs, signal });
    } catch (error) {
      if (!isRemoved(error) || signal.aborted) throw error;
      await skip(at, error);
    }
  }

  /** The server does not have it any more. */
  async function skip(at: Place, error: unknown): Promise<void> {
    const { keptFrom, segmentBytes } = course();
    const { first } = spool;
    const here = first && { timeline: first.timeline, lsn: first.startLsn };
    const to = [keptFrom, ...(here ? [here] : [])].find((each) => inOrder(each, at.position) > 0);
    if (!to) throw error;
    const reason = faultOf(error).message;
    for (const gap of await missingBetween(repository, at.position, to, { segmentBytes, reason })) {
      await repository.putGap(gap);
      options.onGap(gap);
    }
    at.position = { ...to };
    if (inOrder(to, at.stored) > 0) at.stored = { ...to };
    await store.record(at);
  }

  function isFinished(): boolean {
    if (!last) return false;
    if (!last.to) return true;
    return place !== undefined && inOrder(place.stored, last.to) >= 0;
  }

  async function work(): Promise<void> {
    while (!signal.aborted) {
      busySince = performance.now();
      place ??= await open();
      if (place && store.recordedAt === -Infinity) await store.record(place);
      if (isFinished()) {
        if (place) await store.record(place, true);
        return;
      }
      const did = place !== undefined && (await step(place));
      // One that has failed has to show that it works again, even when there is nothing to store.
      if (place && (performance.now() - store.recordedAt > aliveEveryMs || (fault && !did))) await store.record(place);
      if (fault) recovered();
      busySince = undefined;
      if (did) continue;
      if (last && !last.atAnyCost && !isFinished() && phase === 'behind') return;
      await spool.bell.heard({ ms: Math.min(partialEveryMs, 1000), signal });
    }
  }

  function recovered(): void {
    fault = undefined;
    failures = 0;
    isAway = false;
    options.onBack();
  }

  function failed(error: unknown): void {
    const now = new Date();
    failures += 1;
    const told = faultOf(error);
    const nextAttemptAt = new Date(now.getTime() + waitAfter(failures, longestWaitMs));
    const before = fault;
    fault = { ...told, since: before?.since ?? now, at: now, nextAttemptAt };
    if (before?.message !== told.message) options.onFailing(told, nextAttemptAt);
    if (isAway || ofServer.has(told.code) || now.getTime() - fault.since.getTime() <= options.awayAfterMs) return;
    isAway = true;
    options.onAway(told, fault.since);
  }

  return {
    repository,
    get phase() {
      if (fault) return isAway ? 'away' : 'failing';
      return phase;
    },
    get place() {
      return place;
    },
    get fault() {
      return fault;
    },
    get cursor() {
      return cursor;
    },
    get isKeepingUp() {
      const isStuck = busySince !== undefined && performance.now() - busySince > patienceMs;
      return phase === 'current' && !fault && !isStuck;
    },
    flush() {
      isAsked = true;
      spool.bell.ring();
    },
    async run() {
      while (!signal.aborted) {
        try {
          await work();
          return;
        } catch (error) {
          if (signal.aborted) return;
          busySince = undefined;
          const isOpening = place === undefined;
          if (options.once || (isOpening && isFatal(error))) throw error;
          failed(error);
          if (last && !last.atAnyCost) return;
          const ms = waitAfter(failures, longestWaitMs);
          await wake.heard({ ms, signal });
        }
      }
    },
    finish(to, atAnyCost) {
      last = { to, atAnyCost };
      wake.ring();
      spool.bell.ring();
    },
  };
}
