export { trustedExtensions } from './builtins.ts';
export {
  type Cast,
  type Catalog,
  type CatalogReader,
  type CurrentCatalog,
  currentCatalog,
  type Expression,
  firstUserOid,
  type KeyColumn,
  type KeyKind,
  type Operator,
  readCatalog,
  type Relation,
  type Routine,
  triggerBits,
  type TriggerFunction,
} from './catalog/index.ts';
export type { DeclaredFunctions, DeclaredReads } from './declared.ts';
export { Names } from './names.ts';
export { type Pin, type PinnedColumn, pinnedKey } from './pins.ts';
export { Refusal, refuse } from './refusal.ts';
export { type CacheableDependencies, type Dependencies, dependenciesOf } from './resolve.ts';
export { createResolver, type Resolver } from './resolver.ts';
export { readSession, type Session } from './session.ts';
