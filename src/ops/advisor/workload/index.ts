export { type ColumnName, readColumnStatistics } from './column-statistics.ts';
export { workloadFromFile } from './from-file.ts';
export {
  type HistoryWorkloadOptions,
  type TelemetryWorkloadOptions,
  workloadFromHistory,
  workloadFromTelemetry,
} from './from-history.ts';
export { type ObservedValuesOptions, withObservedValues } from './observed-values.ts';
export { workloadFromStatements } from './from-statements.ts';
export { workloadFromText } from './from-text.ts';
export { type ColumnStatistics, type PlaceholderUse, sampleParameters } from './sample-parameters.ts';
export { isWhole } from './types.ts';
export type * from './types.ts';
