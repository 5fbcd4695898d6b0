export { storeJournal, tellingJournal } from './journal.ts';
export { type KeyMetrics, readKeyMetrics } from './key-metrics.ts';
export { planMaintenance, type PlanOptions } from './plan/plan.ts';
export { type MaintenanceThresholds, usualThresholds } from './plan/thresholds.ts';
export { type LoadPolicy, usualLoad } from './run/load.ts';
export { type RunEvent, runMaintenance, type RunOptions } from './run/run.ts';
export { endSessions, findStaleSessions } from './sessions/clean-up.ts';
export { type SessionPolicy, type SessionResult, type StaleSession, usualSessionPolicy } from './sessions/policy.ts';
export type * from './types.ts';
