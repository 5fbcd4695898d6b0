export { isMovingText, referencesOf } from './collect.ts';
export { singleTableOf } from './single-table.ts';
export type { Equality, FixedValue } from './equalities.ts';
export type {
  CastSource,
  FunctionReference,
  References,
  ReferencesAnswer,
  RelationReference,
  TypeReference,
} from './references.ts';
