import type pg from 'pg';
import type { Pool } from '../pool/index.ts';
import type { QueryCache, QueryExplanation } from './query-cache.ts';
import type { QueryCacheStats } from './stats.ts';

/** The query cache of a pool, for the application. */
export interface CachedQueries {
  /**
   * As `pool.query` with `cache` and the default time to live: the result may be one that is kept, unless something that it was read from
   * has changed.
   */
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<pg.QueryResult<Row>>;
  /** Whether a statement's result would be kept, for how long, and by changes of which tables it would be given up; or why not. */
  explain(text: string, values?: readonly unknown[]): Promise<QueryExplanation>;
  /**
   * Gives up what was read from these tables (`orders`, `app.orders`), in all processes that share the tier; for what is not told of by itself.
   * Resolves to the names that are not known.
   */
  invalidate(...tables: readonly string[]): Promise<string[]>;
  /** Gives up everything. */
  clear(): Promise<void>;
  stats(): QueryCacheStats;
  /** Resolves when it is known whether results can be kept true, and how: see `stats().truth`. */
  ready(): Promise<void>;
}

/** The cache as the application sees it. */
export function cachedQueries(pool: Pool, cache: QueryCache): CachedQueries {
  return {
    query: (text, values) => pool.query(text, [...(values ?? [])], { cache: cache.ttlMs }),
    explain: (text, values) => cache.explain(text, values),
    invalidate: (...tables) => cache.invalidate(tables),
    clear: () => cache.clear(),
    stats: () => cache.stats(),
    ready: () => cache.ready(),
  };
}
