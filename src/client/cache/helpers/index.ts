export { cached, type CachedAnswers, type CachedFunction, type CachedOptions } from './functions/cached.ts';
export { answersOf, Cached } from './functions/decorator.ts';
export { createInvalidators, type InvalidationRules, type Invalidators, type Outdated } from './invalidators.ts';
export { cacheKey, keyParts, keyPattern } from './keys/cache-key.ts';
export { adaptiveTtl, type AdaptiveTtl, type AdaptiveTtlOptions, type TtlExplanation } from './ttl/adaptive.ts';
export { ttlPresets, type TtlPresets } from './ttl/presets.ts';
export { createTopKeys, type TopKey, type TopKeys, type TopKeysOptions } from './warmers/top-keys.ts';
export type { WarmProgress, WarmResult } from './warmers/run.ts';
export type { Schedule } from './warmers/schedule.ts';
export { createWarmer, type Warmer, type WarmerOptions, type WarmerStatus } from './warmers/warmer.ts';
export {
  type ListOptions,
  type Repository,
  repository,
  type RepositoryOptions,
  type Rows,
} from './repository/repository.ts';
export type { RowKey } from './repository/row-keys.ts';
