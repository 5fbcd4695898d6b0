export { type CacheTierCase, type CacheTierCaseOptions, cacheTierCases, type TierStore } from './cache-tier.ts';
