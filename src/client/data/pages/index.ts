export type { CursorSecret } from './cursor.ts';
export { type KeysetPage, type KeysetPageOptions, keysetPage } from './keyset.ts';
export { type OffsetPage, type OffsetPageOptions, offsetPage } from './offset.ts';
export type { PageRows, PageSize, QueryRows, TableRows } from './source.ts';
