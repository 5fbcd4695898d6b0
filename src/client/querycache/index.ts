export { type CachedQueries, cachedQueries } from './cached-queries.ts';
export type { DeclaredFunctions, DeclaredReads } from './dependencies/index.ts';
export type { ChangeOptions, QueryCacheOptions, ResultMemoryOptions, StatementPolicy } from './options.ts';
export { QueryCache, type QueryExplanation } from './query-cache.ts';
export { queriesReporting } from './reporting.ts';
export type { QueryCacheStats } from './stats.ts';
export { type Removed, removeTriggers } from './triggers/index.ts';
