export { checks } from './checks/index.ts';
export * from './explain/index.ts';
export * from './plans/index.ts';
export type * from './select/types.ts';
export type * from './types.ts';
export type * from './workload/types.ts';
