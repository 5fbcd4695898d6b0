import type { PoolObserver } from './observer.ts';
import { databaseOf, Pool, type PoolOptions } from './pool/index.ts';
import {
  type CachedQueries,
  cachedQueries,
  queriesReporting,
  QueryCache,
  type QueryCacheOptions,
} from './querycache/index.ts';
import {
  createTelemetry,
  Reporter,
  type ReporterOptions,
  type Telemetry,
  type TelemetryOptions,
} from './telemetry/index.ts';

export interface CreatePoolOptions extends PoolOptions {
  /** What is counted, and when something is slow; `false` counts nothing. */
  telemetry?: TelemetryOptions | false | undefined;
  /** Sends what is counted to `pitcrew serve`, which shows it beside the server's own statistics. */
  report?: ReporterOptions | undefined;
  /**
   * Keeps results of statements until something that they were read from has changed, by whichever client: `{}` for those that ask for it
   * (`{ cache: '5m' }`, `pool.cached.query`), or with policies. Without it nothing is kept.
   */
  cache?: QueryCacheOptions | undefined;
}

/** A pool that counts what is asked of it. */
export interface MeasuredPool extends Pool {
  /** `undefined` when the pool was made without. */
  readonly telemetry: Telemetry | undefined;
  /** The query cache; `undefined` when the pool was made without. */
  readonly cached: CachedQueries | undefined;
}

/** A pool with a query cache. */
export interface CachingPool extends MeasuredPool {
  readonly cached: CachedQueries;
}

/**
 * Makes a pool that takes the place of `pg.Pool`, with statistics of every statement by the line that calls it.
 * @example
 * ```ts
 * import { createPool } from 'pitcrew';
 *
 * const pool = createPool({
 *   connectionString: process.env['DATABASE_URL'],
 *   telemetry: { slow: 200, logger: console },
 *   report: { url: 'http://127.0.0.1:7432', application: 'shop' },
 * });
 * ```
 * @throws `E_CONFIG` for options that make no sense
 */
export function createPool(options: CreatePoolOptions & { cache: QueryCacheOptions }): CachingPool;
export function createPool(options?: CreatePoolOptions): MeasuredPool;
export function createPool(options: CreatePoolOptions = {}): MeasuredPool {
  const { telemetry: wanted, report, observer, cache: kept, ...rest } = options;
  const telemetry = wanted === false ? undefined : createTelemetry(wanted);
  const cache = kept && new QueryCache(kept, rest.functions);
  const pool = new Pool({
    ...rest,
    ...(cache ? { keeper: cache } : {}),
    observer: telemetry && observer ? both(telemetry, observer) : (telemetry ?? observer),
  });
  telemetry?.observePool(() => pool.stats().endpoints, databaseOf(pool.options));
  if (telemetry && cache) telemetry.observeCache(queriesReporting(cache));
  if (telemetry && report) {
    const reporter = new Reporter(
      { logger: (wanted || undefined)?.logger, ...report },
      { telemetry, endpoints: () => pool.stats().endpoints },
    );
    pool.onEnd(() => reporter.close());
  }
  return Object.assign(pool, { telemetry, cached: cache && cachedQueries(pool, cache) });
}

/** Tells two observers; the first one's memory of a statement is kept beside the second's. */
function both(first: PoolObserver, second: PoolObserver): PoolObserver {
  return {
    statementStarted: (...args) => [first.statementStarted?.(...args), second.statementStarted?.(...args)],
    statementEnded(started, outcome) {
      const [one, other] = started as [unknown, unknown];
      first.statementEnded?.(one, outcome);
      second.statementEnded?.(other, outcome);
    },
    acquired(outcome) {
      first.acquired?.(outcome);
      second.acquired?.(outcome);
    },
    released(...args) {
      first.released?.(...args);
      second.released?.(...args);
    },
    connectionOpened(...args) {
      first.connectionOpened?.(...args);
      second.connectionOpened?.(...args);
    },
    connectionClosed(...args) {
      first.connectionClosed?.(...args);
      second.connectionClosed?.(...args);
    },
    warned(warning) {
      first.warned?.(warning);
      second.warned?.(warning);
    },
  };
}
