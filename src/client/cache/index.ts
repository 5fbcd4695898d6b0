export { Cache, createCache } from './cache.ts';
export {
  adaptiveTtl,
  type AdaptiveTtl,
  type AdaptiveTtlOptions,
  answersOf,
  cached,
  Cached,
  type CachedAnswers,
  type CachedFunction,
  type CachedOptions,
  cacheKey,
  createInvalidators,
  createTopKeys,
  createWarmer,
  type InvalidationRules,
  type Invalidators,
  keyParts,
  keyPattern,
  type ListOptions,
  type Outdated,
  repository,
  type Repository,
  type RepositoryOptions,
  type RowKey,
  type Rows,
  type Schedule,
  type TopKey,
  type TopKeys,
  type TopKeysOptions,
  type TtlExplanation,
  type TtlPresets,
  ttlPresets,
  type Warmer,
  type WarmerOptions,
  type WarmerStatus,
  type WarmProgress,
  type WarmResult,
} from './helpers/index.ts';
export type { Entry } from './entry.ts';
export { fileTier, type FileTierOptions } from './file/index.ts';
export type { Invalidation } from './invalidation.ts';
export type { MemoryOptions } from './memory/memory-tier.ts';
export type {
  CacheObserver,
  CacheOptions,
  Duration,
  EntryOptions,
  LoadContext,
  Loader,
  RememberOptions,
  SetOptions,
  Ttl,
} from './options.ts';
export { type RedisClientLike, redisTier, type RedisTierOptions } from './redis/index.ts';
export type { GroupStats } from './groups.ts';
export type { CacheStats, TierStats } from './stats.ts';
export type { CacheTier, Heard, Lease, Position, TierSize } from './tier.ts';
export { type ClassHook, classHook, type ValueOptions } from './values/index.ts';
