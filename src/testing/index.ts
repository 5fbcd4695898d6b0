export { type CacheTierCase, cacheTierCases, type TierStore } from './cache-tier.ts';
