export { type Catalog, readCatalog } from './catalog.ts';
export { type CurrentCatalog, currentCatalog } from './current-catalog.ts';
export type { Expression, Subject } from './expressions.ts';
export type { KeyColumn, KeyKind } from './identities.ts';
export { catalogTypes, momentTypes } from './known-types.ts';
export { type CatalogReader, firstUserOid, readRows, textIn } from './reading.ts';
export type { Relation } from './relations.ts';
export type { Cast, Operator, Routine } from './routines.ts';
export type { Type } from './types.ts';
