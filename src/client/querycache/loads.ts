import type pg from 'pg';
import { textList } from '../../engine/postgres/text-list.ts';
import type { Call, RawResult } from '../pool/index.ts';
import type { Counts } from './counts.ts';
import type { Fence } from './fence/index.ts';
import { type Flight, Flights } from './flights.ts';
import type { PoolWrites } from './own-writes.ts';
import type { Keyed, KeepingPlan, Plans } from './plans.ts';
import type { ResultMemory } from './results/result-memory.ts';
import type { SharedResults } from './results/shared-results.ts';
import { runRaw } from './session/ask.ts';
import { probeText, readProbe } from './session/probe.ts';
import type { Sessions } from './session/session-facts.ts';
import type { Standing } from './standing.ts';

/** What is to be loaded, and for how long it may be kept. */
export interface Load {
  readonly plan: KeepingPlan;
  readonly found: Keyed;
  readonly call: Call;
  readonly ttlMs: number;
  /** Runs a statement as if nothing were kept. */
  readonly run: (call: Call) => Promise<pg.QueryResult>;
  /** What others share may be used: all that the caller must see is known. */
  readonly isCurrent: boolean;
}

export interface LoadParts {
  readonly fence: Fence;
  readonly counts: Counts;
  readonly memory: ResultMemory;
  readonly plans: Plans;
  readonly sessions: Sessions;
  readonly writes: PoolWrites;
  readonly standing: Standing;
}

type Begun = Omit<Flight, 'promise'>;

/** Gets results from others or from the database, each once for all who want it, and keeps them where nothing speaks against it. */
export class Loads {
  readonly #parts: LoadParts;
  readonly #flights = new Flights();

  constructor(parts: LoadParts) {
    this.#parts = parts;
  }

  /** A load under way that lacks nothing of what its caller must see. @param isCurrent see `Load` */
  underWay(key: string, { tables }: KeepingPlan, seesFrom: number, isCurrent: boolean): Flight | undefined {
    const { fence, writes } = this.#parts;
    const flight = this.#flights.get(key);
    if (!flight || (flight.mayBeShared && !isCurrent)) return undefined;
    if (flight.startedAt < seesFrom || flight.token !== fence.token()) return undefined;
    const isOvertaken =
      fence.changedSince(flight.dependencies, flight.mark) || writes.writtenSince(tables, flight.ownMark);
    return isOvertaken ? undefined : flight;
  }

  begin(load: Load): Flight {
    const { fence, writes } = this.#parts;
    const { found } = load;
    const begun: Begun = {
      dependencies: found.dependencies,
      token: fence.token(),
      mark: fence.mark(),
      ownMark: writes.mark(),
      startedAt: performance.now(),
      mayBeShared: load.isCurrent && this.#parts.standing.shared !== undefined,
      waiting: 0,
      controller: new AbortController(),
    };
    const flight: Flight = { ...begun, promise: this.#fetch(load, begun) };
    this.#flights.begin(found.key, flight);
    return flight;
  }

  async #fetch(load: Load, begun: Begun): Promise<RawResult> {
    const { shared } = this.#parts.standing;
    const position = shared?.position();
    if (shared && load.isCurrent) {
      const raw = await this.#fromShared(shared, load, begun);
      if (raw) return raw;
    }
    const { counts } = this.#parts;
    counts.missed(load.plan.names);
    const began = performance.now();
    try {
      const { text, values } = load.call;
      const question = { text: probeText, values: [textList(load.plan.inputs)] };
      const { result, before } = await runRaw(load.run, { text, values, signal: begun.controller.signal }, question);
      this.#keep(result, before, load, begun, position);
      return result;
    } catch (error) {
      counts.loadErrors += 1;
      throw error;
    } finally {
      counts.loadMs += performance.now() - began;
    }
  }

  /** What another process has loaded. */
  async #fromShared(shared: SharedResults, load: Load, begun: Begun): Promise<RawResult | undefined> {
    const { fence, counts, memory, writes, standing } = this.#parts;
    const { plan, found, ttlMs } = load;
    const { sharedMark } = shared;
    // Of what this process has just written the others may not have been told.
    if (sharedMark === undefined || writes.recently(plan.tables, standing.toldWithinMs)) return undefined;
    const stored = await shared.get(found.key);
    if (!stored || !isFresh(stored, ttlMs) || writes.writtenSince(plan.tables, begun.ownMark)) return undefined;
    // What is known here already may not be in force in the tier yet: nobody is given what was given up before.
    if (!fence.keepCertified(found.key, found.dependencies, stored.snapshot, begun.token, sharedMark)) return undefined;
    counts.tierHits += 1;
    counts.shared(plan.names);
    // Others may keep larger ones.
    const bytes = memory.bytesOf(stored.raw);
    if (bytes === undefined) fence.forget(found.key);
    else memory.set(found.key, stored, bytes);
    return stored.raw;
  }

  #keep(
    raw: RawResult,
    row: readonly (string | null)[] | undefined,
    { plan, found, ttlMs }: Load,
    { token, ownMark }: Begun,
    position: ReturnType<SharedResults['position']> | undefined,
  ): void {
    const { fence, counts, memory, plans, sessions, writes, standing } = this.#parts;
    const probe = readProbe(row);
    if (probe?.session !== plan.session) {
      counts.refused.session += 1;
      if (probe && sessions.met(probe.session)) plans.resetSessions();
      return;
    }
    sessions.confirmed();
    const bytes = memory.bytesOf(raw);
    if (writes.writtenSince(plan.tables, ownMark)) counts.refused['own write'] += 1;
    else if (bytes === undefined) counts.refused['too large'] += 1;
    else if (fence.keep(found.key, found.dependencies, probe.snapshot, token)) {
      const now = Date.now();
      const kept = { raw, createdAt: now, keptUntil: now + ttlMs };
      memory.set(found.key, kept, bytes);
      if (position) standing.shared?.set(found, kept, probe.snapshot, position);
    }
  }
}

/** For a caller who wants nothing that is older than `ttlMs`. */
export function isFresh({ createdAt, keptUntil }: { createdAt: number; keptUntil: number }, ttlMs: number): boolean {
  const now = Date.now();
  return now < keptUntil && now - createdAt < ttlMs;
}
