export { checks } from './checks/index.ts';
export * from './select/index.ts';
export type * from './types.ts';
export * from './workload/index.ts';
