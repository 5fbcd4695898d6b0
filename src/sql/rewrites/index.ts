export { rewritesOf } from './rewrites.ts';
export type { Rewrite, RewriteCatalog, RewriteColumn, RewritesAnswer } from './types.ts';
