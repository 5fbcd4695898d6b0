export type * from './advice/types.ts';
export type * from './applications/types.ts';
export type * from './caches/types.ts';
export { tiersOf, type TierState } from './caches/sizes.ts';
export { zeroStatement, zeroTable, zeroTableGauges } from './families.ts';
export type * from './plans/types.ts';
export { openHistory, type OpenHistory } from './open-history.ts';
export { openStore } from './open-store.ts';
export * from './types.ts';
