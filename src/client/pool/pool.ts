import { EventEmitter } from 'node:events';
import driver, { type default as pg } from 'pg';
import type { PoolQuery, QueryOptions } from './call.ts';
import { PoolCore } from './core.ts';
import type { EndpointStats } from './endpoint-types.ts';
import { type PoolOptions, type ResolvedOptions, resolveOptions } from './options.ts';
import type { TransactionClient, TransactionOptions } from './transactions/index.ts';
import { type ConnectCallback, PoolView } from './view.ts';

/** What the pool does now. */
export interface PoolStats {
  endpoints: EndpointStats[];
}

/** A pool of connections that takes the place of `pg.Pool`: the same methods, options, events and results. */
export class Pool extends EventEmitter {
  readonly options: ResolvedOptions;
  /** Goes to a replica where there is one that may be read, else to the primary. */
  readonly read: PoolView;
  /** Goes to the primary. */
  readonly write: PoolView;
  /** Goes to connections kept for long reports, on a replica where there is one. */
  readonly analytics: PoolView;
  readonly #core: PoolCore;
  readonly #automatic: PoolView;
  readonly #whenEnded: (() => Promise<void>)[] = [];
  #ended = false;

  /** @throws `E_CONFIG` for options that make no sense */
  constructor(options: PoolOptions = {}) {
    super();
    this.options = resolveOptions(options);
    this.#core = new PoolCore(this.options, this);
    this.#automatic = new PoolView(this.#core, 'auto');
    this.read = new PoolView(this.#core, 'read');
    this.write = new PoolView(this.#core, 'write');
    this.analytics = new PoolView(this.#core, 'analytics');
  }

  /** Connections that are open or being opened, shared ones included. */
  get totalCount(): number {
    return this.#core.sum(({ openCount }) => openCount);
  }

  get idleCount(): number {
    return this.#core.sum(({ idleCount }) => idleCount);
  }

  /** Callers that wait for a connection. */
  get waitingCount(): number {
    return this.#core.sum(({ waitingCount }) => waitingCount);
  }

  get expiredCount(): number {
    return this.#core.sum(({ expiredCount }) => expiredCount);
  }

  get ending(): boolean {
    return this.#core.isEnding;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The class of the clients, which libraries make one of their own with to cancel a query. */
  get Client(): typeof driver.Client {
    return (this.options.Client ?? driver.Client) as typeof driver.Client;
  }

  stats(): PoolStats {
    return { endpoints: this.#core.stats() };
  }

  /**
   * Runs a statement, in all forms that `pg` knows. Quick statements share connections with those of other callers, all
   * others have one of their own while they run. Errors of the database arrive as `pg` makes them (`pg.DatabaseError`).
   * @throws `E_POOL_TIMEOUT` when no connection became free in time, `E_OUTCOME_UNKNOWN` when the connection was lost while a
   * statement that changes data was under way
   */
  /* oxlint-disable typescript/no-explicit-any -- as pg.Pool declares them: what fits there fits here */
  query<T extends pg.Submittable>(queryStream: T): T;
  query<R extends unknown[] = any[], I = any[]>(
    config: pg.QueryArrayConfig<I>,
    values?: pg.QueryConfigValues<I>,
  ): Promise<pg.QueryArrayResult<R>>;
  query<R extends unknown[] = any[], I = any[]>(
    config: pg.QueryArrayConfig<I> & QueryOptions,
  ): Promise<pg.QueryArrayResult<R>>;
  query<R extends pg.QueryResultRow = any, I = any[]>(config: pg.QueryConfig<I>): Promise<pg.QueryResult<R>>;
  query<R extends pg.QueryResultRow = any, I = any[]>(
    textOrConfig: string | pg.QueryConfig<I>,
    values?: pg.QueryConfigValues<I>,
  ): Promise<pg.QueryResult<R>>;
  query<R extends unknown[] = any[], I = any[]>(
    config: pg.QueryArrayConfig<I>,
    callback: (error: Error, result: pg.QueryArrayResult<R>) => void,
  ): void;
  query<R extends pg.QueryResultRow = any, I = any[]>(
    textOrConfig: string | pg.QueryConfig<I>,
    callback: (error: Error, result: pg.QueryResult<R>) => void,
  ): void;
  query<R extends pg.QueryResultRow = any, I = any[]>(
    text: string,
    values: pg.QueryConfigValues<I>,
    callback: (error: Error, result: pg.QueryResult<R>) => void,
  ): void;
  query<R extends pg.QueryResultRow = any, I = any[]>(
    config: pg.QueryConfig<I> & QueryOptions,
  ): Promise<pg.QueryResult<R>>;
  query<R extends pg.QueryResultRow = any, I = any[]>(
    text: string,
    values: pg.QueryConfigValues<I>,
    options: QueryOptions,
  ): Promise<pg.QueryResult<R>>;
  /* oxlint-enable typescript/no-explicit-any */
  query(query: unknown, second?: unknown, third?: unknown): unknown {
    return this.#automatic.query(query as never, second as never, third as never);
  }

  /**
   * Lends a connection to the primary until its `release` is called. Statements on it go nowhere else.
   * @throws `E_POOL_TIMEOUT` when none became free in time
   */
  connect(): Promise<pg.PoolClient>;
  connect(callback: ConnectCallback): void;
  connect(callback?: ConnectCallback): Promise<pg.PoolClient> | undefined {
    return callback ? (this.write.connect(callback) as undefined) : this.write.connect();
  }

  /**
   * Opens connections to the primary before they are needed, so that the first callers need not wait for them: as many as `min`, or as
   * are asked for, `max` at most. Those beyond `min` close again when they are idle.
   * @example
   * ```ts
   * await pool.warm();
   * server.listen(8080);
   * ```
   * @throws what connecting throws; `E_POOL_TIMEOUT` when it takes too long
   */
  async warm(connections: number = this.options.min): Promise<void> {
    const wanted = Math.min(connections, this.options.max);
    const opened = await Promise.allSettled(Array.from({ length: wanted }, () => this.connect()));
    for (const each of opened) if (each.status === 'fulfilled') each.value.release();
    const failed = opened.find((each) => each.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /**
   * Runs a function in a transaction: commits when it returns, rolls back when it throws.
   * @example
   * ```ts
   * await pool.transaction(async (client) => {
   *   await client.query('UPDATE accounts SET balance = balance - 10 WHERE id = $1', [from]);
   *   await client.query('UPDATE accounts SET balance = balance + 10 WHERE id = $1', [to]);
   * }, { isolation: 'serializable' });
   * ```
   * @throws `E_OUTCOME_UNKNOWN` when the connection was lost while it committed
   */
  transaction<Result>(
    work: (client: TransactionClient) => Promise<Result>,
    options?: TransactionOptions,
  ): Promise<Result> {
    return this.write.transaction(work, options);
  }

  /** As `pool.read.query`. */
  get executeRead(): PoolQuery {
    return this.read.query;
  }

  /** As `pool.write.query`. */
  get executeWrite(): PoolQuery {
    return this.write.query;
  }

  /**
   * A position that covers all that was written so far in the caller's request scope, or by this process outside of one. Another
   * process, or a later request, gives it to `seeAtLeast` and then reads no replica that lacks it. Empty with one server.
   */
  writtenToken(): Promise<string> {
    return this.#core.writtenToken();
  }

  /** From now on the caller's request scope, or this process outside of one, reads nothing older than a token of `writtenToken`. */
  seeAtLeast(token: string): void {
    this.#core.seeAtLeast(token);
  }

  /** Refuses new work, waits for all that is under way and for clients to be released, and closes every connection. */
  end(): Promise<void>;
  end(callback: () => void): void;
  end(callback?: (error?: Error) => void): Promise<void> | undefined {
    const done = this.ending ? Promise.reject(new Error('Called end on pool more than once')) : this.#end();
    if (!callback) return done;
    done.then(() => callback(), callback);
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.ending) await this.end();
  }

  /** Calls back when the pool ends, after all is closed; `end` waits for it. */
  onEnd(callback: () => Promise<void>): void {
    this.#whenEnded.push(callback);
  }

  async #end(): Promise<void> {
    await this.#core.end();
    await Promise.all(this.#whenEnded.map((callback) => callback()));
    this.#ended = true;
  }
}

// Libraries that are given a pool tell by `instanceof pg.Pool` that it is one.
Object.setPrototypeOf(Pool.prototype, driver.Pool.prototype);
