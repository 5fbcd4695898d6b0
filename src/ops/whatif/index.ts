export {
  calibrate,
  type CalibratedStatement,
  type CalibrateOptions,
  type Calibration,
  type CalibrationStatement,
  planShape,
} from './calibrate.ts';
export { type CreateIndexOptions, createIndexStatement } from './create-index.ts';
export { type HypopgOptions, openHypopg } from './hypopg/index.ts';
export {
  openOwnTwin,
  openTwin,
  removeLeftTwins,
  removeTwin,
  type Twin,
  type TwinOptions,
  type TwinProgress,
  twinsFolder,
} from './twin/index.ts';
export { usualSizeError } from './size-error.ts';
export type * from './types.ts';
