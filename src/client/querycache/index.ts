export {
  type CacheableDependencies,
  type CatalogReader,
  type CurrentCatalog,
  createResolver,
  currentCatalog,
  type DeclaredFunctions,
  type DeclaredReads,
  type Dependencies,
  type Pin,
  pinnedKey,
  readSession,
  type Resolver,
  type Session,
} from './dependencies/index.ts';
export { type KeyedStatement, queryKey, statementKey } from './key.ts';
export { areMoving } from './parameters.ts';
