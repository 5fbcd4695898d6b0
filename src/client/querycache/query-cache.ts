import { hash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { messageOf } from '../../errors.ts';
import { loadParser, type StatementDescription } from '../../sql/index.ts';
import { durationMs } from '../cache/options.ts';
import {
  type Call,
  type KeeperHost,
  type LentWrites,
  type PendingResult,
  type PoolOptions,
  type ResultKeeper,
} from '../pool/index.ts';
import { Answers } from './answers.ts';
import { Counts } from './counts.ts';
import { type CatalogReader, type CurrentCatalog, currentCatalog } from './dependencies/index.ts';
import { BestSource } from './feed/best-source.ts';
import { SharedFeed } from './feed/shared-feed.ts';
import { Fence, Snapshot } from './fence/index.ts';
import { type QueryCacheOptions, type QueryCacheSettings, withDefaults } from './options.ts';
import { type OwnWrite, PoolWrites } from './own-writes.ts';
import { keyed, Plans } from './plans.ts';
import { Policies } from './policies.ts';
import { ResultMemory } from './results/result-memory.ts';
import { SharedResults } from './results/shared-results.ts';
import { type Ask, runRaw } from './session/ask.ts';
import { Sessions } from './session/session-facts.ts';
import { Standing } from './standing.ts';
import { type QueryCacheStats, statsOf } from './stats.ts';
import type { StreamEvent } from './stream/index.ts';

/** Between attempts to begin, in ms. */
const beginAgainMs = 1000;
/** Before every snapshot of every server: by it nothing is under way. */
const settled = Snapshot.parse('3:3:');

/**
 * Results of statements, kept until something that they were read from has changed, by whichever client. See `QueryCacheOptions`; the pool
 * asks it before it sends a statement.
 */
export class QueryCache implements ResultKeeper {
  /** How long a result may be used where nobody says, in ms. */
  readonly ttlMs: number;
  readonly #settings: QueryCacheSettings;
  readonly #policies: Policies;
  readonly #fence: Fence;
  readonly #counts = new Counts();
  readonly #standing: Standing;
  readonly #memory: ResultMemory;
  readonly #sessions: Sessions;
  readonly #catalog: CurrentCatalog;
  readonly #plans: Plans;
  readonly #writes: PoolWrites;
  readonly #closing = new AbortController();
  #host: KeeperHost | undefined;
  #answers: Answers | undefined;
  #beginning: Promise<void> | undefined;

  /**
   * @param functions what the application says of its functions, as for the pool
   * @param fence what decides over what is kept
   * @throws `E_CONFIG` for options that make no sense
   */
  constructor(options: QueryCacheOptions = {}, functions: PoolOptions['functions'] = {}, fence = new Fence()) {
    this.#fence = fence;
    const settings = (this.#settings = withDefaults(options));
    this.ttlMs = durationMs('cache.ttl', settings.ttl);
    this.#policies = new Policies(settings);
    this.#standing = new Standing(settings.changes.maxLagMs);
    this.#memory = new ResultMemory(settings.memory, (key) => this.#fence.forget(key));
    this.#sessions = new Sessions((...args) => this.#ask(...args));
    this.#catalog = currentCatalog((work) => this.#withReader(work));
    this.#plans = new Plans(this.#catalog, this.#sessions, this.#policies, settings.functions);
    this.#writes = new PoolWrites(this.#catalog, this.#sessions, functions, (write) => this.#wrote(write));
  }

  /** By what it is shown in statistics. */
  get name(): string {
    return this.#settings.name;
  }

  start(host: KeeperHost): void {
    this.#host = host;
    this.#answers = new Answers({
      ttlMs: this.ttlMs,
      isAutomatic: this.#policies.isAutomatic,
      types: host.types,
      fence: this.#fence,
      counts: this.#counts,
      memory: this.#memory,
      plans: this.#plans,
      sessions: this.#sessions,
      writes: this.#writes,
      standing: this.#standing,
    });
    this.#beginning = this.#begin();
  }

  /** Resolves when it has begun, well or not. */
  async ready(): Promise<void> {
    await this.#beginning;
  }

  async end(): Promise<void> {
    this.#closing.abort();
    await this.#beginning;
    await this.#standing.feed?.close();
    await this.#standing.shared?.close();
  }

  answer(
    call: Call,
    scope: object | undefined,
    run: (call: Call) => Promise<pg.QueryResult>,
  ): pg.QueryResult | PendingResult | undefined {
    return this.#answers?.of({ call, scope, run });
  }

  wrote(description: StatementDescription | undefined): void {
    this.#writes.wrote(description);
  }

  lent(): LentWrites {
    return this.#writes.lent();
  }

  seesAllUntilNow(scope: object | undefined): void {
    // Nothing tells when all is known.
    if (this.#standing.truth === 'own writes') this.#giveUp(this.#fence.evictAll(), 'own write');
    this.#standing.seesAllUntilNow(scope);
  }

  /** Nothing that is kept now is given any more, in this process and those that share its tier. */
  async clear(): Promise<void> {
    this.#forget('all');
    await this.#standing.shared?.clear();
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
    await this.#standing.shared?.invalidate(oids);
    return unknown;
  }

  stats(): QueryCacheStats {
    const { truth, reason, feed, shared } = this.#standing;
    return statsOf({ truth, reason, feed, shared, counts: this.#counts, memory: this.#memory, fence: this.#fence });
  }

  /** What would become of a statement's result, and why. */
  async explain(text: string, values: readonly unknown[] = []): Promise<QueryExplanation> {
    if (this.#standing.truth === 'nothing') return { cacheable: false, reason: this.#standing.reason };
    const plan = await this.#plans.of(text);
    if (!plan.keep) return { cacheable: false, reason: plan.reason };
    if (plan.verdict === false) return { cacheable: false, reason: 'a policy says never' };
    const found = keyed(plan, values);
    if (typeof found === 'string') return { cacheable: false, reason: found };
    return {
      cacheable: true,
      tables: plan.names,
      ttlMs: plan.verdict ?? this.ttlMs,
      automatic: plan.verdict !== undefined,
      byKey: found.dependencies.some(({ keys }) => keys !== undefined),
    };
  }

  async #begin(): Promise<void> {
    const { signal } = this.#closing;
    await this.#host?.ready;
    while (!signal.aborted && !this.#standing.feed) {
      try {
        await loadParser();
        const { session } = await this.#sessions.read();
        if (!signal.aborted) await this.#open(hash('sha256', session.database, 'base64url').slice(0, 12));
      } catch (error) {
        this.#standing.reason = messageOf(error);
        await delay(beginAgainMs, undefined, { signal, ref: false }).catch(() => {});
      }
    }
  }

  async #open(database: string): Promise<void> {
    const { tier, changes } = this.#settings;
    const connection = (): Promise<pg.ClientConfig> => this.#connection();
    const listener = (event: StreamEvent): void => this.#heard(event);
    const standing = this.#standing;
    if (!tier) {
      standing.feed = new BestSource(changes, connection, listener);
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
      standing.feed = feed;
      standing.shared = new SharedResults(tier, database, feed);
    }
    await standing.feed.start();
  }

  #heard(event: StreamEvent): void {
    switch (event.type) {
      case 'open':
        this.#giveUp(this.#fence.open(event.snapshot), 'epoch');
        this.#plans.reset(event.tables);
        this.#standing.truth = 'changes';
        break;
      case 'changed':
        this.#giveUp(this.#fence.changed(event), 'change');
        break;
      case 'snapshot':
        this.#fence.noted(event.snapshot);
        break;
      case 'closed':
        this.#giveUp(this.#fence.close(), 'epoch');
        this.#standing.truth = 'nothing';
        this.#standing.reason = event.reason;
        if (event.why === 'refused') this.#openForOwnWrites();
    }
  }

  /** Changes are not told: what this process writes is known, and time bounds all else. */
  #openForOwnWrites(): void {
    this.#fence.open(settled);
    this.#plans.reset('by time');
    this.#standing.truth = 'own writes';
  }

  /** This process has changed something, and whoever asks now must see it. */
  #wrote({ tables, defines }: OwnWrite): void {
    const isUnknown = tables === 'unknown';
    if (defines || (isUnknown && this.#standing.truth === 'own writes')) {
      // Those who watch for it learn of it later.
      this.#giveUp(this.#fence.evictAll(), 'own write');
      this.#plans.redefine();
    } else if (!isUnknown) {
      this.#giveUp(this.#fence.evict(tables), 'own write');
    }
    if (isUnknown) this.#standing.seesAllUntilNow();
  }

  /** What is under way is not kept either. */
  #forget(tables: ReadonlySet<number> | 'all'): void {
    this.#giveUp(tables === 'all' ? this.#fence.evictAll() : this.#fence.evict(tables), 'cleared');
    this.#writes.mayHaveWritten({ tables: tables === 'all' ? 'unknown' : tables, defines: false });
  }

  #giveUp(keys: readonly string[], why: keyof Counts['givenUp']): void {
    this.#counts.givenUp[why] += keys.length;
    this.#memory.delete(keys);
  }

  async #connection(): Promise<pg.ClientConfig> {
    const { connection } = this.#settings.changes;
    if (connection) return typeof connection === 'function' ? connection() : connection;
    if (!this.#host) throw new Error('the pool has not begun yet');
    return this.#host.primaryConnection();
  }

  /** The catalog is read seldom, over a connection that is opened for it. */
  async #withReader<Result>(work: (reader: CatalogReader) => Promise<Result>): Promise<Result> {
    const client = new pg.Client({ ...(await this.#connection()), pipeline: false });
    client.on('error', () => {});
    try {
      await client.connect();
      return await work(client);
    } finally {
      await client.end().catch(() => {});
    }
  }

  readonly #ask: Ask = async (text, values, before) => {
    if (!this.#host) throw new Error('the pool has not begun yet');
    return runRaw(this.#host.run, { text, values: [...values], isQuestion: true }, before);
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
