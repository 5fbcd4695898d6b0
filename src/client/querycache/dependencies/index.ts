export {
  type Catalog,
  type CatalogReader,
  type CurrentCatalog,
  currentCatalog,
  type KeyColumn,
  type KeyKind,
  readCatalog,
} from './catalog/index.ts';
export type { DeclaredFunctions, DeclaredReads } from './declared.ts';
export { type Pin, type PinnedColumn, pinnedKey } from './pins.ts';
export { type CacheableDependencies, type Dependencies, dependenciesOf } from './resolve.ts';
export { createResolver, type Resolver } from './resolver.ts';
export { readSession, type Session } from './session.ts';
