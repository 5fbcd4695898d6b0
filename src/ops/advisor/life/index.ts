export { createAdvisor } from './advisor.ts';
export type { ChangeProgress } from './apply/progress.ts';
export type { Preflight } from './apply/preflight.ts';
export type { AdvisorLogger } from './desk.ts';
export type { Measurement } from './measure/measure.ts';
export type { IndexAdviser, IndexChoice, IndexRequest } from './run/index-round.ts';
export { type ChooserOptions, createIndexAdviser } from './run/choose-indexes.ts';
export type { CheckReport, IndexReport } from './run/reports.ts';
export { type AdviceAction, actionsOf, openStates } from './states.ts';
export type {
  Advisor,
  AdvisorEvent,
  AdvisorOptions,
  AdvisorStatus,
  RunState,
} from './types.ts';
