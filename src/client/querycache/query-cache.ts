import { hash } from 'node:crypto';
import pg from 'pg';
import { parseDuration } from '../../config/span.ts';
import { messageOf, PitcrewError } from '../../errors.ts';
import { loadParser, type StatementDescription } from '../../sql/index.ts';
import { durationMs } from '../cache/options.ts';
import {
  type CacheWish,
  type Call,
  type KeeperHost,
  type LentWrites,
  type PendingResult,
  rawConfig,
  rawOf,
  type RawResult,
  type ResultKeeper,
  resultOf,
} from '../pool/index.ts';
import { Counts } from './counts.ts';
import { type CurrentCatalog, currentCatalog } from './dependencies/index.ts';
import { Fence, Snapshot } from './fence/index.ts';
import { BestSource } from './feed/best-source.ts';
import type { ChangeSource } from './feed/change-source.ts';
import { SharedFeed } from './feed/shared-feed.ts';
import { type Flight, Flights } from './flights.ts';
import { type QueryCacheOptions, type QueryCacheSettings, withDefaults } from './options.ts';
import { type Keyed, keyed, type KeepingPlan, type Plan, Plans } from './plans.ts';
import { Policies } from './policies.ts';
import { ResultMemory } from './results/result-memory.ts';
import { SharedResults } from './results/shared-results.ts';
import type { Ask } from './session/ask.ts';
import { listOf, probeText, readProbe } from './session/probe.ts';
import { Sessions } from './session/session-facts.ts';
import { type QueryCacheStats, statsOf } from './stats.ts';
import type { StreamEvent } from './stream/index.ts';
import { PoolWrites } from './own-writes.ts';
import type { Footprint } from './writes/index.ts';

/** Between attempts to begin, in ms. */
const beginAgainMs = 1000;
/** Before it every snapshot of every server: nothing is known to be under way. */
const settled = Snapshot.parse('3:3:');

/**
 * Results of statements, kept until something that they were read from has changed, by whichever client. See `QueryCacheOptions`; the pool
 * asks it before it sends a statement.
 */
export class QueryCache implements ResultKeeper {
  readonly #settings: QueryCacheSettings;
  readonly #ttlMs: number;
  readonly #fence = new Fence();
  readonly #counts = new Counts();
  readonly #memory: ResultMemory;
  readonly #flights = new Flights();
  readonly #policies: Policies;
  readonly #sessions: Sessions;
  readonly #catalog: CurrentCatalog;
  readonly #plans: Plans;
  readonly #writes: PoolWrites;
  readonly #closing = new AbortController();
  #host: KeeperHost | undefined;
  #types: pg.CustomTypesConfig | undefined;
  #feed: ChangeSource | undefined;
  #shared: SharedResults | undefined;
  #truth: QueryCacheStats['truth'] = 'nothing';
  #reason = 'starting';
  #beginning: Promise<void> | undefined;
  /** Readers see all that was committed by then, on the clock of `performance.now()`: everyone, or those of one request. */
  #seesFrom = -Infinity;
  readonly #scopesSeeFrom = new WeakMap<object, number>();

  /** @throws `E_CONFIG` for options that make no sense */
  constructor(options: QueryCacheOptions = {}) {
    this.#settings = withDefaults(options);
    this.#ttlMs = durationMs('cache.ttl', this.#settings.ttl);
    this.#policies = new Policies(this.#settings);
    this.#memory = new ResultMemory(this.#settings.memory, (key) => this.#fence.forget(key));
    this.#sessions = new Sessions((...args) => this.#ask(...args));
    this.#catalog = currentCatalog(async (work) => {
      const client = new pg.Client({ ...(await this.#connection()), pipeline: false });
      client.on('error', () => {});
      try {
        await client.connect();
        return await work(client);
      } finally {
        await client.end().catch(() => {});
      }
    });
    this.#plans = new Plans(this.#catalog, this.#sessions, this.#policies, this.#settings.functions);
    this.#writes = new PoolWrites(this.#catalog, this.#sessions, (tables) => this.#wrote(tables));
  }

  get defaultTtlMs(): number {
    return this.#ttlMs;
  }

  /** Resolves when it has begun, well or not. */
  async ready(): Promise<void> {
    await this.#beginning;
  }

  start(host: KeeperHost): void {
    this.#host = host;
    this.#types = host.types;
    this.#beginning = this.#begin();
  }

  async end(): Promise<void> {
    this.#closing.abort();
    await this.#beginning;
    await this.#feed?.close();
    await this.#shared?.close();
  }

  answer(
    call: Call,
    scope: object | undefined,
    run: (call: Call) => Promise<pg.QueryResult>,
  ): pg.QueryResult | PendingResult | undefined {
    if (call.cache === undefined && !this.#policies.isAutomatic) return undefined;
    if (call.cache !== undefined && wishMs(call.cache) === undefined) return refused(call.cache);
    if (this.#truth === 'nothing' || call.config?.binary || call.config?.rows || call.config?.portal) {
      return this.#past('not open', call);
    }
    const plan = this.#plans.of(call.text);
    if (!(plan instanceof Promise)) return this.#planned(plan, call, scope, run);
    return this.#later(plan, call, scope, run);
  }

  wrote(description: StatementDescription | undefined): void {
    this.#writes.wrote(description);
  }

  lent(): LentWrites {
    return this.#writes.lent();
  }

  seesAllUntilNow(scope: object | undefined): void {
    if (this.#truth === 'own writes') this.#giveUp(this.#fence.evictAll(), 'own write');
    if (scope) this.#scopesSeeFrom.set(scope, performance.now());
    else this.#seesFrom = performance.now();
  }

  /** Nothing that is kept now is given any more, in this process and those that share its tier. */
  async clear(): Promise<void> {
    this.#forget('all');
    await this.#shared?.clear();
  }

  /** As `clear`, of what was read from some tables: `orders`, `app.orders`. Resolves to the names that are not known. */
  async invalidate(tables: readonly string[]): Promise<string[]> {
    const catalog = await this.#catalog.read();
    const { session } = await this.#sessions.read();
    const unknown: string[] = [];
    const oids = new Set<number>();
    for (const table of tables) {
      const [name = '', schema] = table.split('.').toReversed();
      const schemas = schema === undefined ? session.schemas : [schema];
      const found = schemas.map((each) => catalog.relationNamed(each, name)).find((each) => each !== undefined);
      if (found) oids.add(found.oid);
      else unknown.push(table);
    }
    this.#forget(oids);
    await this.#shared?.invalidate(oids);
    return unknown;
  }

  stats(): QueryCacheStats {
    return statsOf({
      truth: this.#truth,
      reason: this.#reason,
      feed: this.#feed,
      counts: this.#counts,
      memory: this.#memory,
      fence: this.#fence,
      shared: this.#shared,
    });
  }

  /** What would become of a statement's result, and why. */
  async explain(text: string, values: readonly unknown[] = []): Promise<QueryExplanation> {
    if (this.#truth === 'nothing') return { cacheable: false, reason: this.#reason };
    const plan = await this.#plans.of(text);
    if (!plan.keep) return { cacheable: false, reason: plan.reason };
    if (plan.verdict === false) return { cacheable: false, reason: 'a policy says never' };
    const found = keyed(plan, values);
    if (typeof found === 'string') return { cacheable: false, reason: found };
    return {
      cacheable: true,
      tables: plan.names,
      ttlMs: plan.verdict ?? this.#ttlMs,
      automatic: plan.verdict !== undefined,
      byKey: found.dependencies.some(({ keys }) => keys !== undefined),
    };
  }

  async #begin(): Promise<void> {
    const { signal } = this.#closing;
    await this.#host?.ready;
    while (!signal.aborted && !this.#feed) {
      try {
        await loadParser();
        const { session } = await this.#sessions.read();
        if (!signal.aborted) await this.#open(hash('sha256', session.database, 'base64url').slice(0, 12));
      } catch (error) {
        this.#reason = messageOf(error);
        await pause(beginAgainMs, signal);
      }
    }
  }

  async #open(database: string): Promise<void> {
    const { tier, changes } = this.#settings;
    const connection = (): Promise<pg.ClientConfig> => this.#connection();
    const listener = (event: StreamEvent): void => this.#heard(event);
    if (!tier) {
      this.#feed = new BestSource(changes, connection, listener);
    } else {
      const feed = new SharedFeed({
        tier,
        database,
        connection,
        source: (told) => new BestSource(changes, connection, told),
        listener,
        givenUp: (tables) => this.#forget(tables),
        mark: () => this.#fence.mark(),
        maxLagMs: changes.maxLagMs,
      });
      this.#shared = new SharedResults(tier, database, feed);
      this.#feed = feed;
    }
    await this.#feed.start();
  }

  async #connection(): Promise<pg.ClientConfig> {
    const { connection } = this.#settings.changes;
    if (connection) return typeof connection === 'function' ? connection() : connection;
    if (!this.#host) throw new Error('the pool has not begun yet');
    return this.#host.primaryConnection();
  }

  #heard(event: StreamEvent): void {
    switch (event.type) {
      case 'open':
        this.#giveUp(this.#fence.open(event.snapshot), 'epoch');
        this.#plans.reset(event.tables);
        this.#truth = 'changes';
        break;
      case 'changed':
        this.#giveUp(this.#fence.changed(event), 'change');
        break;
      case 'snapshot':
        this.#fence.noted(event.snapshot);
        break;
      case 'closed':
        this.#giveUp(this.#fence.close(), 'epoch');
        this.#truth = 'nothing';
        this.#reason = event.reason;
        if (event.why === 'refused') this.#openByTime();
    }
  }

  /** Changes are not told: what this process writes is known, and time bounds all else. */
  #openByTime(): void {
    this.#fence.open(settled);
    this.#plans.reset('by time');
    this.#truth = 'own writes';
  }

  /** What is under way is not kept either. */
  #forget(tables: ReadonlySet<number> | 'all'): void {
    this.#giveUp(tables === 'all' ? this.#fence.evictAll() : this.#fence.evict(tables), 'cleared');
    this.#writes.mayHaveWritten(tables === 'all' ? 'unknown' : tables);
  }

  /** This process has changed something, and whoever asks now must see it. */
  #wrote(tables: Footprint): void {
    if (tables !== 'unknown') this.#giveUp(this.#fence.evict(tables), 'own write');
    else if (this.#truth === 'own writes') this.#giveUp(this.#fence.evictAll(), 'own write');
    else this.#seesFrom = performance.now();
    // It may have changed definitions.
    if (tables === 'unknown' && this.#truth === 'own writes') this.#plans.reset('by time');
  }

  #giveUp(keys: readonly string[], why: keyof Counts['givenUp']): void {
    this.#counts.givenUp[why] += keys.length;
    this.#memory.delete(keys);
  }

  #past(why: keyof Counts['bypasses'], call: Call): undefined {
    if (call.cache !== undefined) this.#counts.bypasses[why] += 1;
    return undefined;
  }

  /** The plan had to be made first. */
  #later(
    plan: Promise<Plan>,
    call: Call,
    scope: object | undefined,
    run: (call: Call) => Promise<pg.QueryResult>,
  ): PendingResult {
    let left = false;
    let pending: PendingResult | undefined;
    const answered = async (): Promise<pg.QueryResult> => {
      const known = await plan.catch((): Plan => ({ keep: false, reason: 'definitions could not be read' }));
      if (left) throw new Error('nobody waits for it any more');
      const answer = this.#truth === 'nothing' ? undefined : this.#planned(known, call, scope, run);
      if (!answer) return run(call);
      if (!('promise' in answer)) return answer;
      pending = answer;
      return answer.promise;
    };
    return {
      promise: answered(),
      leave: () => {
        left = true;
        pending?.leave();
      },
    };
  }

  #planned(
    plan: Plan,
    call: Call,
    scope: object | undefined,
    run: (call: Call) => Promise<pg.QueryResult>,
  ): pg.QueryResult | PendingResult | undefined {
    if (!plan.keep || plan.verdict === false) return this.#past('not cacheable', call);
    if (call.cache === undefined && plan.verdict === undefined) return undefined;
    const found = keyed(plan, call.values);
    if (typeof found === 'string') return this.#past('parameter', call);
    const ttlMs = (call.cache === undefined ? undefined : wishMs(call.cache)) ?? plan.verdict ?? this.#ttlMs;
    const seesFrom = Math.max(this.#seesFrom, (scope && this.#scopesSeeFrom.get(scope)) ?? -Infinity);
    const isCurrent = this.#knownUntil() >= seesFrom;
    const isLate = (this.#feed?.lagMs ?? Infinity) > this.#settings.changes.maxLagMs && this.#truth === 'changes';
    if (isLate) return this.#past('not open', call);
    if (!isCurrent && call.cache !== undefined) this.#counts.bypasses['not up to date'] += 1;
    const kept = isCurrent ? this.#memory.get(found.key) : undefined;
    if (kept && isFresh(kept.createdAt, kept.keptUntil, ttlMs)) {
      this.#counts.hit(plan.names);
      return this.#resultOf(kept.raw, call);
    }
    const flight = this.#flights.get(found.key);
    if (flight && this.#mayJoin(flight, plan, seesFrom)) {
      this.#counts.joined += 1;
      return this.#await(flight, call);
    }
    return this.#await(this.#load({ plan, found, call, ttlMs, run, isCurrent }), call);
  }

  /** All that was committed before that moment is known; of what is kept by time nothing more is to be learnt. */
  #knownUntil(): number {
    if (this.#truth === 'own writes') return Infinity;
    const { lagMs = Infinity } = this.#feed ?? {};
    // What one process passes on to others is on its way for no longer than it may be late.
    return performance.now() - lagMs - (this.#shared ? this.#settings.changes.maxLagMs : 0);
  }

  #mayJoin(flight: Flight, { tables }: KeepingPlan, seesFrom: number): boolean {
    return (
      flight.token === this.#fence.token() &&
      flight.startedAt >= seesFrom &&
      !this.#fence.changedSince(flight.dependencies, flight.mark) &&
      !this.#writes.writtenSince(tables, flight.ownMark)
    );
  }

  #await(flight: Flight, { config }: Call): PendingResult {
    flight.waiting += 1;
    return {
      promise: flight.promise.then((raw) => this.#resultOf(raw, { config })),
      leave: () => {
        flight.waiting -= 1;
        if (flight.waiting === 0) flight.controller.abort();
      },
    };
  }

  #resultOf(raw: RawResult, { config }: Pick<Call, 'config'>): pg.QueryResult {
    return resultOf(raw, config?.rowMode, config?.types ?? this.#types);
  }

  #load(load: Load): Flight {
    const { found } = load;
    const controller = new AbortController();
    const begun = {
      dependencies: found.dependencies,
      token: this.#fence.token(),
      mark: this.#fence.mark(),
      ownMark: this.#writes.mark(),
      startedAt: performance.now(),
      waiting: 0,
      controller,
    };
    const flight: Flight = { ...begun, promise: this.#fetch(load, begun) };
    this.#flights.begin(found.key, flight);
    return flight;
  }

  async #fetch(load: Load, begun: Omit<Flight, 'promise'>): Promise<RawResult> {
    const { plan, found, isCurrent } = load;
    const shared = this.#shared;
    const position = shared?.position();
    if (shared && isCurrent && !this.#writes.recently(plan.tables, 2 * this.#settings.changes.maxLagMs)) {
      const { sharedMark } = shared;
      const stored = sharedMark === undefined ? undefined : await shared.get(found.key);
      if (stored && isFresh(stored.createdAt, stored.keptUntil, load.ttlMs) && sharedMark !== undefined) {
        if (!this.#writes.writtenSince(plan.tables, begun.ownMark)) {
          this.#counts.tierHits += 1;
          this.#counts.shared(plan.names);
          if (this.#fence.keepCertified(found.key, found.dependencies, stored.snapshot, begun.token, sharedMark)) {
            this.#memory.set(found.key, stored, stored.bytes);
          }
          return stored.raw;
        }
      }
    }
    this.#counts.missed(plan.names);
    const began = performance.now();
    let row: readonly (string | null)[] | undefined;
    try {
      const result = await load.run({
        text: load.call.text,
        values: load.call.values,
        config: { text: load.call.text, ...rawConfig, signal: begun.controller.signal },
        callback: undefined,
        cache: false,
        preface: { text: probeText, values: [listOf(plan.inputs)], answered: (told) => (row = told) },
      });
      const raw = rawOf(result);
      this.#keep(raw, row, load, begun, position);
      return raw;
    } catch (error) {
      this.#counts.loadErrors += 1;
      throw error;
    } finally {
      this.#counts.loadMs += performance.now() - began;
    }
  }

  /** Keeps a result, if nothing speaks against it. */
  #keep(
    raw: RawResult,
    row: readonly (string | null)[] | undefined,
    { plan, found, ttlMs }: Load,
    { token, ownMark }: Omit<Flight, 'promise'>,
    position: ReturnType<SharedResults['position']> | undefined,
  ): void {
    const { refused } = this.#counts;
    const probe = readProbe(row);
    if (probe?.session !== plan.session) {
      refused.session += 1;
      if (probe && this.#sessions.met(probe.session)) this.#plans.resetSessions();
      return;
    }
    this.#sessions.confirmed();
    if (this.#writes.writtenSince(plan.tables, ownMark)) {
      refused['own write'] += 1;
      return;
    }
    const bytes = this.#memory.bytesOf(raw);
    if (bytes === undefined) {
      refused['too large'] += 1;
      return;
    }
    if (!this.#fence.keep(found.key, found.dependencies, probe.snapshot, token)) return;
    const now = Date.now();
    const kept = { raw, createdAt: now, keptUntil: now + ttlMs };
    this.#memory.set(found.key, kept, bytes);
    if (position) this.#shared?.set(found, kept, bytes, probe.snapshot, position);
  }

  readonly #ask: Ask = async (text, values, before) => {
    if (!this.#host) throw new Error('the pool has not begun yet');
    let told: readonly (string | null)[] | undefined;
    const result = await this.#host.run({
      text,
      values: [...values],
      config: { text, ...rawConfig },
      callback: undefined,
      cache: false,
      preface: { ...before, answered: (row) => (told = row) },
    });
    return { result: rawOf(result), before: told };
  };
}

/** What a statement's result would be kept by; or why it would not. */
export type QueryExplanation =
  | { readonly cacheable: false; readonly reason: string }
  | {
      readonly cacheable: true;
      /** Tables whose changes it is given up by. */
      readonly tables: readonly string[];
      readonly ttlMs: number;
      /** Without being asked to, by a policy. */
      readonly automatic: boolean;
      /** Only changes of the rows with the keys that it names count. */
      readonly byKey: boolean;
    };

interface Load {
  readonly plan: KeepingPlan;
  readonly found: Keyed;
  readonly call: Call;
  readonly ttlMs: number;
  readonly run: (call: Call) => Promise<pg.QueryResult>;
  /** What is shared may be used: all that the caller must see is known. */
  readonly isCurrent: boolean;
}

const wishes = new Map<CacheWish, number | undefined>();

/** Few are given, again and again. */
function wishMs(wish: CacheWish): number | undefined {
  if (typeof wish === 'number' && wish >= 0) return wish;
  if (wishes.has(wish)) return wishes.get(wish);
  const ms = wish === false ? 0 : parseDuration(wish);
  if (wishes.size < 1000) wishes.set(wish, ms);
  return ms;
}

function refused(wish: CacheWish): PendingResult {
  const error = new PitcrewError('E_USAGE', 'cache must be a span of time', {
    detail: `Found ${String(wish)}.`,
    hint: 'Give milliseconds, or a text such as "90s", "5m" or "1d"; false for a result that is not kept.',
  });
  return { promise: Promise.reject(error), leave: () => {} };
}

function isFresh(createdAt: number, keptUntil: number, ttlMs: number): boolean {
  const now = Date.now();
  return now < keptUntil && now - createdAt < ttlMs;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { setTimeout: delay } = await import('node:timers/promises');
  await delay(ms, undefined, { signal, ref: false }).catch(() => {});
}
