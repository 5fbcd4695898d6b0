export { openCheckContext, type OpenCheckContext, type OpenCheckContextOptions } from './checks/context.ts';
export { checks } from './checks/index.ts';
export { type CheckResult, runChecks, type RunChecksOptions } from './checks/run.ts';
export * from './indexes/index.ts';
export * from './select/index.ts';
export type * from './types.ts';
export * from './workload/index.ts';
