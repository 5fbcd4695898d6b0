import { setTimeout as delay } from 'node:timers/promises';
import { lsnText } from '../../../engine/postgres/replication/index.ts';
import type { GapRecord, Repository } from '../repository/index.ts';
import { makeBell } from './bell.ts';
import { isFatal } from './faults.ts';
import { makeLag } from './lag.ts';
import { type Lane, makeLane } from './lane.ts';
import { makeLink } from './link.ts';
import { type Course, reachedLsn, readPlace, writerOf } from './place.ts';
import type { Greeting } from './session.ts';
import type { Spool } from './spool.ts';
import { repositoryState } from './stream-state.ts';
import { makeThroughput } from './throughput.ts';
import { inOrder, type Position } from './position.ts';
import type { LogStream, StreamEvent, StreamGap, StreamOptions, StreamState } from './types.ts';

/** Those that are known at any time; all are in the records of the repositories. */
const mostGaps = 100;
const tickMs = 1000;
/** So long what was received may take to be stored when the stream is to end. */
const finishMs = 30_000;

/**
 * Receives the log of a server all the time and stores it in repositories, each complete segment and every few seconds what there is of the next one.
 * What is not stored in all of them stays on the server, which keeps it for the slot. Whatever happens to the connection, the server or a repository, it goes
 * on where what is stored ends.
 */
export function streamLog(options: StreamOptions): LogStream {
  const { slot, repositories, once = false } = options;
  const { awayAfterMs = 15 * 60_000, maxRetainedBytes = 64 * 1024 ** 3, silenceLimitMs = 30_000 } = options;
  const { spoolBytes = 256 * 1024 * 1024 } = options;
  const lag = makeLag();
  const throughput = makeThroughput();
  const gaps: StreamGap[] = [];
  const giveUp = new AbortController();
  const moved = makeBell();
  const letGo = new Set<Lane>();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  let lanes: Lane[] = [];
  let running: Promise<unknown> | undefined;
  let slotLimitBytes: number | null = null;
  let address: string | null = null;
  let phase: StreamState['phase'] = 'connecting';
  let error: StreamState['error'] = null;
  let target: Position | undefined;

  type Told<Event> = Event extends unknown ? Omit<Event, 'at'> : never;
  const tell = (event: Told<StreamEvent>): void =>
    options.onEvent?.({ at: new Date().toISOString(), ...event } as StreamEvent);

  const link = makeLink({
    url: options.url,
    slot,
    spoolDir: options.spoolDir,
    silenceLimitMs,
    once,
    begin,
    room,
    onAsked() {
      for (const lane of lanes) lane.flush();
    },
    onStarted: started,
    onSlot({ slot: { action, restartLsn } }) {
      if (action === 'found') return;
      const reason = action === 'recreated' ? 'The server kept no log for it any more.' : undefined;
      tell({ type: 'slot', slot, action, lsn: lsnText(restartLsn), ...(reason === undefined ? {} : { reason }) });
    },
    onTimeline: (timeline, lsn) => tell({ type: 'timeline', timeline, lsn: lsnText(lsn) }),
    onBytes(bytes) {
      throughput.add(bytes);
    },
    onWaiting(pid, isOurs, nextAttemptAt) {
      void waiting(pid, isOurs, nextAttemptAt);
    },
    onLost(fault, nextAttemptAt) {
      phase = 'connecting';
      error = { ...fault, at: new Date().toISOString(), nextAttemptAt: nextAttemptAt.toISOString() };
      tell({ type: 'disconnected', error: fault, nextAttemptAt: nextAttemptAt.toISOString() });
    },
  });

  /** Where the repository that has most ends: the others get what they lack on their own. */
  async function begin(course: Course): Promise<Position | undefined> {
    const found = await Promise.allSettled(repositories.map((repository) => readPlace(repository, slot, course)));
    const places: Position[] = [];
    for (const each of found) {
      if (each.status === 'fulfilled') places.push(...(each.value ? [each.value.position] : []));
      else if (once || isFatal(each.reason)) throw each.reason;
    }
    return places.toSorted(inOrder).at(-1);
  }

  function started(greeting: Greeting, at: string): void {
    const { course, flushedLsn } = greeting;
    phase = 'streaming';
    error = null;
    address = at;
    ({ slotLimitBytes } = greeting);
    lag.note(flushedLsn);
    tell({ type: 'connected', address: at, slot, timeline: course.timeline, lsn: lsnText(flushedLsn) });
    if (slotLimitBytes === null) tell({ type: 'unlimited', slot });
    if (greeting.isSynchronous) tell({ type: 'synchronous' });
    const { spool } = link;
    if (running || !spool) return;
    target = { timeline: course.timeline, lsn: flushedLsn };
    lanes = repositories.map((repository) => laneOf(repository, spool));
    running = Promise.all(lanes.map((lane) => lane.run()));
    running.catch(failed.reject);
    if (once) for (const lane of lanes) lane.finish(target, true);
    moved.ring();
  }

  function laneOf(repository: Repository, spool: Spool): Lane {
    const { name } = repository;
    const lane: Lane = makeLane({
      url: options.url,
      repository,
      slot,
      spool,
      course: () => link.course as Course,
      partialEveryMs: options.partialEveryMs ?? 10_000,
      awayAfterMs,
      silenceLimitMs,
      once,
      signal: giveUp.signal,
      onStored(segment, { stored }, partial) {
        settle();
        tell({ type: 'stored', repository: name, name: segment, lsn: lsnText(stored.lsn), partial });
      },
      onUnencrypted: () => tell({ type: 'unencrypted', repository: name }),
      onGap: (gap) => noteGap(name, gap),
      onFailing(fault, nextAttemptAt) {
        tell({
          type: 'repository-failing',
          repository: name,
          error: fault,
          nextAttemptAt: nextAttemptAt.toISOString(),
        });
      },
      onAway: (fault, since) =>
        tell({ type: 'repository-away', repository: name, since: since.toISOString(), error: fault }),
      onBack() {
        letGo.delete(lane);
        tell({ type: 'repository-back', repository: name });
      },
    });
    return lane;
  }

  function noteGap(repository: string, gap: GapRecord): void {
    const { format: _, fromLsn, toLsn, noticedAt, ...rest } = gap;
    const told: StreamGap = {
      repository,
      ...rest,
      fromLsn: lsnText(fromLsn),
      toLsn: lsnText(toLsn),
      noticedAt: noticedAt.toISOString(),
    };
    gaps.push(told);
    gaps.splice(0, gaps.length - mostGaps);
    tell({ type: 'gap', ...told });
  }

  async function waiting(pid: number | undefined, isOurs: boolean, nextAttemptAt: Date): Promise<void> {
    phase = 'waiting';
    const records = await Promise.allSettled(repositories.map((repository) => repository.stream()));
    const writers = records.flatMap((each) =>
      each.status === 'fulfilled' && each.value?.slot === slot && !each.value.endedAt ? [writerOf(each.value)] : [],
    );
    const who = isOurs ? 'our own connection of before, which the server has not seen end' : (writers[0] ?? 'another');
    const holder = pid === undefined ? who : `${who} (PID ${pid} of the server)`;
    tell({ type: 'waiting', slot, holder, nextAttemptAt: nextAttemptAt.toISOString() });
  }

  const reached = ({ place }: Lane): bigint | undefined =>
    place && link.course ? reachedLsn(place, link.course) : undefined;

  /** Up to where some have all of it; `undefined` while it is not known of one of them. */
  function lowest(some: readonly Lane[]): bigint | undefined {
    let least: bigint | undefined;
    for (const lane of some) {
      const lsn = reached(lane);
      if (lsn === undefined) return undefined;
      if (least === undefined || lsn < least) least = lsn;
    }
    return least;
  }

  function settle(): void {
    const waitedFor = lanes.filter((lane) => !letGo.has(lane));
    // Where nobody is left who is waited for, as much stays as would for one.
    const safe = letGo.size > 0 && waitedFor.length === 0 ? floor() : lowest(waitedFor);
    if (safe !== undefined) link.confirm(safe);
    const byAll = lowest(lanes);
    if (byAll !== undefined) lag.forget(byAll);
    trim();
    moved.ring();
  }

  /** What lies before it is not kept for repositories that are away. */
  function floor(): bigint | undefined {
    const { serverLsn, spool } = link;
    if (serverLsn === undefined || !spool?.end) return undefined;
    const lsn = serverLsn - BigInt(maxRetainedBytes);
    return lsn < spool.end.lsn ? lsn : spool.end.lsn;
  }

  /** Segments that all have are not kept; nor, when there are too many, those that only somebody needs who does not keep up. */
  function trim(): void {
    const { spool } = link;
    if (!spool) return;
    for (let { first } = spool; first && first.phase !== 'growing'; { first } = spool) {
      const { number } = first;
      const isNeeded = ({ cursor }: Lane): boolean => cursor === undefined || cursor <= number;
      const needing = lanes.filter(isNeeded);
      const isDispensable =
        spool.count > mostSegments() && !needing.some((lane) => lane.cursor !== undefined && lane.isKeepingUp);
      if (lanes.length === 0 || (needing.length > 0 && !isDispensable)) return;
      spool.dropFirst();
    }
  }

  const mostSegments = (): number => Math.max(2, Math.floor(spoolBytes / (link.course?.segmentBytes ?? spoolBytes)));

  async function room(): Promise<void> {
    const { spool } = link;
    if (!spool) return;
    trim();
    while (spool.count > mostSegments() && !giveUp.signal.aborted) {
      await moved.heard({ ms: tickMs, signal: giveUp.signal });
      trim();
    }
  }

  function tick(): void {
    const { serverLsn } = link;
    if (serverLsn === undefined) return;
    lag.note(serverLsn);
    const least = floor();
    for (const lane of lanes) {
      const lsn = reached(lane) ?? link.slotLsn ?? serverLsn;
      if (lane.phase !== 'away' || least === undefined || lsn >= least || letGo.has(lane)) continue;
      letGo.add(lane);
      tell({ type: 'let-go', repository: lane.repository.name, lsn: lsnText(lsn) });
    }
    settle();
  }

  /** Resolves when it is to end. */
  async function untilEnd(signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      if (signal?.aborted) return;
      const waits = [moved.heard({ signal }).then(() => false)];
      if (running && once) waits.push(running.then(() => true));
      if (await Promise.race(waits)) {
        tell({ type: 'caught-up', lsn: lsnText(target?.lsn ?? 0n) });
        return;
      }
    }
  }

  async function main(): Promise<void> {
    const ticking = setInterval(tick, tickMs);
    try {
      const linked = link.run();
      linked.catch(failed.reject);
      await Promise.race([untilEnd(options.signal), failed.promise]);
      for (const lane of lanes) lane.finish(link.spool?.end, false);
      await Promise.race([running, delay(finishMs, undefined, { ref: false })]);
      settle();
    } finally {
      giveUp.abort();
      clearInterval(ticking);
      await link.end();
      await Promise.race([running?.catch(() => {}), delay(tickMs, undefined, { ref: false })]);
      await link.spool?.[Symbol.asyncDispose]();
      phase = 'ended';
      tell({ type: 'ended' });
    }
  }

  const ended = main();
  ended.catch(() => {});
  return {
    ended,
    state() {
      const { serverLsn, slotLsn, connectedAt, heardAt, spool } = link;
      const silentMs = connectedAt || heardAt === undefined ? 0 : performance.now() - heardAt;
      return {
        phase,
        slot,
        address,
        connectedSince: connectedAt?.toISOString() ?? null,
        timeline: spool?.end?.timeline ?? null,
        receivedLsn: spool?.end ? lsnText(spool.end.lsn) : null,
        serverLsn: serverLsn === undefined ? null : lsnText(serverLsn),
        retainedBytes: serverLsn === undefined || slotLsn === undefined ? null : Number(serverLsn - slotLsn),
        slotLimitBytes,
        receivedBytes: throughput.total,
        bytesPerSecond: throughput.perSecond(),
        repositories: lanes.map((lane) => repositoryState(lane, { lsn: reached(lane), serverLsn, silentMs }, lag)),
        gaps: [...gaps],
        error,
      };
    },
  };
}
