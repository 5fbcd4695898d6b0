export { adviseIndexes } from './advise.ts';
export { openWhatIf, type OpenWhatIfOptions } from './open-what-if.ts';
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
