import { setTimeout as delay } from 'node:timers/promises';
import {
  openPhysical,
  type PhysicalConnection,
  type WalStream,
} from '../../../engine/postgres/replication/physical/index.ts';
import { PitcrewError } from '../../../errors.ts';
import { segmentStart } from '../wal/segments.ts';
import { timelineAt } from '../wal/timelines.ts';
import { makeBell } from './bell.ts';
import { faultOf, isFatal, waitAfter } from './faults.ts';
import { receiveLog } from './receive.ts';
import type { Course } from './place.ts';
import { type Greeting, greet, pathOf, readHistories, streamName } from './session.ts';
import { holderOf, isRemoved } from './slot.ts';
import { makeSpool, type Spool } from './spool.ts';
import { watchStopping } from './stopping.ts';
import { goOnFrom, inOrder, type Position } from './position.ts';
import type { StreamFault } from './types.ts';

export interface LinkOptions {
  url: string;
  slot: string;
  spoolDir: string;
  silenceLimitMs: number;
  /** What fails is thrown, and not tried again; another consumer too. */
  once: boolean;
  /** From where on, at the very beginning; `undefined`: from where the slot keeps log. */
  begin(course: Course): Promise<Position | undefined>;
  /** Resolves when the spool may grow. */
  room(): Promise<void>;
  /** The server asks how far we are: it may be waiting for that to be stopped. */
  onAsked(): void;
  /** The slot is ours, and log comes: the first time, and each time again. */
  onStarted(greeting: Greeting, address: string): void;
  onSlot(greeting: Greeting): void;
  onTimeline(timeline: number, lsn: bigint): void;
  onBytes(bytes: number): void;
  onWaiting(pid: number | undefined, isOurs: boolean, nextAttemptAt: Date): void;
  onLost(error: StreamFault, nextAttemptAt: Date): void;
}

/** The connection by which the log comes: made anew whenever it is lost. */
export interface Link {
  /** Since when log comes; `undefined` when it does not. */
  readonly connectedAt: Date | undefined;
  readonly course: Course | undefined;
  readonly spool: Spool | undefined;
  /** Up to where the server has log, as it said last. */
  readonly serverLsn: bigint | undefined;
  /** From where on the slot keeps log. */
  readonly slotLsn: bigint | undefined;
  /** When the server was heard last, by `performance.now()`. */
  readonly heardAt: number | undefined;
  /** Everything before it may be forgotten by the server. */
  confirm(lsn: bigint): void;
  /** Runs until it is ended. @throws what no new attempt can mend; at first only, later it is tried again */
  run(): Promise<void>;
  /** Ends it, in good order where the server answers. */
  end(): Promise<void>;
}

const longestWaitMs = 30_000;
/** A slot that another one has is looked after so often at least. */
const longestWaitingMs = 5000;
const goodbyeMs = 1000;
/** A server that is being stopped waits until we have confirmed all. When that is not possible, as with a repository that is away, it is let go. */
const longestStopMs = 5000;

export function makeLink(options: LinkOptions): Link {
  const { url, slot } = options;
  const ended = new AbortController();
  const { signal } = ended;
  const over = makeBell();
  let connection: PhysicalConnection | undefined;
  let stream: WalStream | undefined;
  let course: Course | undefined;
  let spool: Spool | undefined;
  let connectedAt: Date | undefined;
  let serverLsn: bigint | undefined;
  let slotLsn: bigint | undefined;
  let heardAt: number | undefined;
  let failures = 0;
  let hasWorked = false;
  /** Log was missing where we wanted to go on: from here on it is there. */
  let jump: Position | undefined;
  /** Our own session of before, which the server may not have seen end. */
  let formerPid: number | undefined;
  let running: Promise<void> | undefined;

  async function whereFrom(now: Course, into: Spool): Promise<Position> {
    if (jump) {
      const to = jump;
      jump = undefined;
      into.startAt(to);
      return to;
    }
    const { end } = into;
    if (!end) {
      const begin = (await options.begin(now)) ?? now.keptFrom;
      into.startAt(begin);
      return begin;
    }
    if (end.timeline > now.timeline) throw wentBack(end.timeline, now.timeline);
    const goOn = goOnFrom(end, now.path, now.segmentBytes);
    if (goOn) return goOn;
    into.startAt(now.keptFrom);
    return now.keptFrom;
  }

  async function session(): Promise<void> {
    connection = await openPhysical({ url, applicationName: streamName });
    const { address, processId } = connection;
    if (signal.aborted) return;
    const greeting = await greet(connection, slot);
    if (course && course.systemId !== greeting.course.systemId) throw otherServer(address);
    ({ course } = greeting);
    const { segmentBytes, keptFrom } = course;
    if (greeting.slot.action !== 'found') options.onSlot(greeting);
    slotLsn = greeting.slot.restartLsn;
    serverLsn = greeting.flushedLsn;
    spool ??= makeSpool(options.spoolDir, segmentBytes);
    const from = await whereFrom(course, spool);
    const own = connection;
    const stopping = watchStopping();
    try {
      await receiveLog({
        connection,
        spool,
        from,
        segmentBytes,
        slot,
        silenceLimitMs: options.silenceLimitMs,
        room: options.room,
        onReceived: options.onBytes,
        onStarted(begun) {
          stream = begun;
          failures = 0;
          if (connectedAt) return;
          connectedAt = new Date();
          hasWorked = true;
          formerPid = processId;
          options.onStarted(greeting, address);
        },
        onAsked(begun) {
          options.onAsked();
          if (stopping.asked() > longestStopMs && (slotLsn ?? 0n) < begun.serverLsn) own.destroy();
        },
        async onTimeline(next) {
          const histories = await readHistories(own, next.timeline);
          const path = pathOf(histories, next.timeline);
          if (course) course = { ...course, timeline: next.timeline, path, histories };
          options.onTimeline(next.timeline, next.switchLsn);
        },
      });
    } catch (error) {
      if (!isRemoved(error) || inOrder(keptFrom, from) <= 0) throw error;
      jump = keptFrom;
      return;
    }
    if (!signal.aborted) throw hasEnded(address);
  }

  /** Keeps what the stream knew when it is gone. */
  function noteServer(): void {
    if (!stream) return;
    serverLsn = later(serverLsn, stream.serverLsn);
    heardAt = stream.heardAt;
  }

  async function attempt(): Promise<void> {
    try {
      await session();
    } finally {
      noteServer();
      stream = undefined;
      connectedAt = undefined;
      await connection?.close();
      connection = undefined;
    }
  }

  async function pause(error: unknown): Promise<void> {
    const holder = holderOf(error);
    failures += 1;
    const ms = waitAfter(failures, holder ? longestWaitingMs : longestWaitMs);
    const nextAttemptAt = new Date(Date.now() + ms);
    if (holder) options.onWaiting(holder.pid, holder.pid !== undefined && holder.pid === formerPid, nextAttemptAt);
    else options.onLost(faultOf(error), nextAttemptAt);
    await over.heard({ ms, signal });
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await attempt();
      } catch (error) {
        if (signal.aborted) return;
        if (options.once || (!hasWorked && isFatal(error))) throw error;
        await pause(error);
      }
    }
  }

  return {
    get connectedAt() {
      return connectedAt;
    },
    get course() {
      return course;
    },
    get spool() {
      return spool;
    },
    get serverLsn() {
      noteServer();
      return serverLsn;
    },
    get slotLsn() {
      return slotLsn;
    },
    get heardAt() {
      noteServer();
      return heardAt;
    },
    confirm(lsn) {
      if (!stream || !course || (slotLsn !== undefined && lsn <= slotLsn)) return;
      stream.confirm(lsn);
      slotLsn = lsn;
      const timeline = timelineAt(course.path, lsn) ?? course.timeline;
      const kept = { timeline, lsn: segmentStart(lsn, course.segmentBytes) };
      if (inOrder(kept, course.keptFrom) > 0) course = { ...course, keptFrom: kept };
    },
    run() {
      running = run();
      return running;
    },
    async end() {
      ended.abort();
      stream?.stop();
      const cut = setTimeout(() => connection?.destroy(), stream ? goodbyeMs : 0);
      await Promise.race([running?.catch(() => {}), delay(2 * goodbyeMs)]);
      clearTimeout(cut);
    },
  };
}

const later = (a: bigint | undefined, b: bigint): bigint => (a === undefined || b > a ? b : a);

function hasEnded(address: string): PitcrewError {
  return new PitcrewError('E_DATABASE_UNREACHABLE', `${address} has ended the stream`, {
    detail: 'It has sent all that it has: it is being stopped.',
  });
}

function otherServer(address: string): PitcrewError {
  return new PitcrewError('E_CONFLICT', `${address} is of another cluster now`, {
    detail: 'Its number is not that of the server whose log was streamed before.',
    hint: 'Lead the address to a server of the same cluster; a new cluster needs a repository of its own.',
  });
}

function wentBack(before: number, now: number): PitcrewError {
  return new PitcrewError('E_QUERY', `the server is on timeline ${now}, and was on ${before}`, {
    detail: 'It may be a former primary that was started again, or a standby that has not followed yet.',
    hint: 'Lead the address to the server that was promoted.',
  });
}
