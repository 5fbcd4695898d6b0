export { checks } from './checks/index.ts';
export * from './select/index.ts';
export type * from './types.ts';
export type * from './workload/types.ts';
