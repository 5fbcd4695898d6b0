export type { StatementDescription, StatementEffects, StatementKind, TableChange, TableName } from './description.ts';
export {
  createDescriber,
  type DeclaredFunctions,
  type Describe,
  describe,
  type FunctionJudge,
  judgeFunctions,
  loadParser,
  parserLoaded,
} from './describe/index.ts';
export { readableIdentifier, readableName } from './identifier.ts';
export {
  type CastSource,
  type Equality,
  type FixedValue,
  type FunctionReference,
  isMovingText,
  type References,
  type ReferencesAnswer,
  referencesOf,
  type RelationReference,
  singleTableOf,
  type TypeReference,
} from './references/index.ts';
export {
  type ComparedWith,
  type Condition,
  type ConditionKind,
  type Operand,
  type OrderKey,
  type Predicates,
  type PredicatesAnswer,
  predicatesOf,
  type RelationResolver,
  type ResolvedRelation,
  type TableUse,
  type TableWrite,
} from './predicates/index.ts';
export {
  type Rewrite,
  type RewriteCatalog,
  type RewriteColumn,
  type RewritesAnswer,
  rewritesOf,
} from './rewrites/index.ts';
export {
  placeholderCount,
  type Placeholders,
  placeholdersOf,
  type ShownValue,
  valuesShown,
  withoutGaps,
} from './placeholders.ts';
export { type StatementPattern, statementPattern } from './pattern.ts';
export { splitStatements, type StatementPiece } from './split.ts';
export { type Token, tokenize } from './tokens.ts';
