export { type CreateIndexOptions, createIndexStatement } from './create-index.ts';
export { type HypopgOptions, openHypopg } from './hypopg/index.ts';
export type * from './types.ts';
