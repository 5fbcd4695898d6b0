export { selectIndexes, type SelectOptions } from './select-indexes.ts';
export type * from './types.ts';
