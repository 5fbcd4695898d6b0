export { type CreateIndexOptions, createIndexStatement } from './create-index.ts';
export { openTwin, removeTwin, type Twin, type TwinOptions, type TwinProgress } from './twin/index.ts';
export type * from './types.ts';
