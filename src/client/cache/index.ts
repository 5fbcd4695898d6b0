export { Cache, createCache } from './cache.ts';
export * from './helpers/index.ts';
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
export type { CacheStats, GroupStats, TierStats } from './stats.ts';
export type { CacheTier, Heard, Lease, Position, TierSize } from './tier.ts';
export { type ClassHook, classHook, type ValueOptions } from './values/index.ts';
