import { AsyncResource } from 'node:async_hooks';
import type pg from 'pg';
import type { QueryResult } from 'pg';
import type { Preface } from './statements/preface.ts';
import type { StatementConfig } from './statements/statement.ts';

export type Callback<Result = QueryResult> = (error: Error | undefined, result: Result) => void;

/** How long a caller is willing to wait, given with a query's configuration. */
export interface QueryLimits {
  /** Rejects with its reason as soon as it aborts; the statement is cancelled on the server where it has a connection of its own. */
  signal?: AbortSignal | undefined;
  /** The same after so many ms, with the error *Query read timeout*. */
  query_timeout?: number | undefined;
}

/** What a caller wants of the query cache: how long a result may be used, or `false` for none that is kept. */
export type CacheWish = string | number | false;

/** What can be given with a statement. */
export interface QueryOptions extends QueryLimits {
  /**
   * How long a result may be used: ms, or a text such as `'5m'`. It is given up before that when what it was read from has changed.
   * Only where the pool has a query cache, and not within transactions.
   */
  cache?: CacheWish | undefined;
}

/** `pg.Pool`'s `query`, and with limits. */
export type PoolQuery = pg.Pool['query'] & {
  /* oxlint-disable-next-line typescript/no-explicit-any -- as pg.Pool declares it */
  <R extends pg.QueryResultRow = any, I = any[]>(config: pg.QueryConfig<I> & QueryOptions): Promise<QueryResult<R>>;
  /* oxlint-disable-next-line typescript/no-explicit-any -- as pg.Pool declares it */
  <R extends pg.QueryResultRow = any, I = any[]>(
    text: string,
    values: pg.QueryConfigValues<I>,
    options: QueryOptions,
  ): Promise<QueryResult<R>>;
};

/** A cursor, a stream or a query object, which drives its connection itself. */
export interface Submittable extends pg.Submittable {
  callback?: Callback | undefined;
}

/** The call forms of `query`, made one. */
export interface Call {
  text: string;
  values: unknown[] | undefined;
  config: StatementConfig | undefined;
  callback: Callback | undefined;
  cache?: CacheWish | undefined;
  preface?: Preface | undefined;
  /** A question of our own: it changes nothing, whatever may be thought of its text. */
  isQuestion?: boolean | undefined;
}

/**
 * A callback that can be called from the middle of the pool's work: it runs in its caller's asynchronous context, and what it
 * throws is an uncaught exception, as with `pg`, but breaks nothing.
 */
export function guarded<Args extends unknown[]>(callback: (...args: Args) => void): (...args: Args) => void {
  return AsyncResource.bind((...args: Args): void => {
    try {
      callback(...args);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  });
}

export function isSubmittable(query: unknown): query is Submittable {
  return typeof query === 'object' && query !== null && typeof (query as Partial<Submittable>).submit === 'function';
}

/**
 * Reads `(text)`, `(text, values)`, `(config)`, `(config, values)`, each with or without a callback, as `pg` does, and
 * `(text, values, options)`. Throws a TypeError for anything else, again as `pg` does.
 */
export function readCall(query: unknown, second: unknown, third: unknown): Call {
  if (typeof query === 'string' && typeof third === 'object' && third !== null) {
    const options = third as StatementConfig & QueryOptions;
    const values = second as unknown[] | undefined;
    return { text: query, values, config: { ...options, text: query }, callback: undefined, cache: options.cache };
  }
  const callback = (typeof second === 'function' ? second : third) as Callback | undefined;
  const given = typeof second === 'function' ? undefined : (second as unknown[] | undefined);
  if (callback !== undefined && typeof callback !== 'function') throw new TypeError('callback is not a function');
  if (typeof query === 'string') return { text: query, values: given ?? undefined, config: undefined, callback };
  if (typeof query !== 'object' || query === null) {
    throw new TypeError('Client was passed a null or undefined query');
  }
  const config = query as StatementConfig & QueryOptions & { callback?: Callback };
  const { text, cache } = config;
  return { text, values: given ?? config.values, config, callback: callback ?? config.callback, cache };
}
