export { openCheckContext, type OpenCheckContext, type OpenCheckContextOptions } from './checks/context.ts';
export { sessionForChanges } from './life/apply/lock.ts';
export { type Preflight, preflight } from './life/apply/preflight.ts';
export { checks } from './checks/index.ts';
export { type CheckResult, runChecks, type RunChecksOptions } from './checks/run.ts';
export type * from './select/types.ts';
export type * from './types.ts';
export type * from './workload/types.ts';
