export { predicatesOf } from './collect.ts';
export type {
  ComparedWith,
  Condition,
  ConditionKind,
  Operand,
  OrderKey,
  Predicates,
  PredicatesAnswer,
  RelationResolver,
  ResolvedRelation,
  TableUse,
  TableWrite,
} from './predicates.ts';
