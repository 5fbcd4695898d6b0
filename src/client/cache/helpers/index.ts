export { cached, type CachedAnswers, type CachedFunction, type CachedOptions } from './functions/cached.ts';
export { answersOf, Cached } from './functions/decorator.ts';
export { createInvalidators, type InvalidationRules, type Invalidators, type Outdated } from './invalidators.ts';
export { cacheKey, keyParts, keyPattern } from './keys/cache-key.ts';
export { adaptiveTtl, type AdaptiveTtl, type AdaptiveTtlOptions, type TtlExplanation } from './ttl/adaptive.ts';
export { ttlPresets, type TtlPresets } from './ttl/presets.ts';
