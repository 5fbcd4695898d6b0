export { adviseIndexes } from './advise.ts';
export { tablesOfWorkload } from './model/tables-of-workload.ts';
export { missingIndex } from './report/finding.ts';
export type {
  AdvisedIndex,
  AdviceLimits,
  AdviceProgress,
  AdviseOptions,
  DropAdvice,
  HelpedStatement,
  IndexAdvice,
  IndexSelector,
} from './types.ts';
