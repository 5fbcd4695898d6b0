export type { RedisClientLike, RedisTierOptions } from './options.ts';
export { redisTier } from './redis-tier.ts';
