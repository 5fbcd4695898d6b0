import { fieldsOf, isObject, listOf, namesOf, textOf, type Tree, type TreeObject } from '../describe/tree.ts';

/** A value as it stands in the text. */
export type FixedValue =
  | { readonly kind: 'parameter'; readonly number: number }
  | { readonly kind: 'constant'; readonly value: string };

/** `column = value`, which every row of the result meets. */
export interface Equality {
  readonly column: string;
  readonly value: FixedValue;
  /** The type that the value is cast to, as written. */
  readonly cast: readonly string[] | undefined;
}

/**
 * The equalities at the top of a query's WHERE, when the query reads one relation and nothing else: no join, no sub-query, no
 * function in FROM, no set operation. `undefined` for all others.
 */
export function equalitiesOf(query: TreeObject): Equality[] | undefined {
  if (query['op'] !== 'SETOP_NONE' || 'withClause' in query || 'valuesLists' in query) return undefined;
  const [source, ...others] = listOf(query['fromClause']);
  const relation = fieldsOf(source, 'RangeVar');
  if (!relation || others.length > 0 || contains(query, 'SubLink')) return undefined;
  const alias = isObject(relation['alias']) ? textOf(relation['alias']['aliasname']) : undefined;
  if (isObject(relation['alias']) && 'colnames' in relation['alias']) return undefined;
  const table = alias ?? textOf(relation['relname']) ?? '';
  return conjuncts(query['whereClause']).flatMap((condition) => equalityOf(condition, table) ?? []);
}

function contains(tree: Tree | undefined, tag: string): boolean {
  if (Array.isArray(tree)) return (tree as readonly Tree[]).some((item) => contains(item, tag));
  return isObject(tree) && (tag in tree || Object.values(tree).some((value) => contains(value, tag)));
}

function conjuncts(condition: Tree | undefined): Tree[] {
  if (condition === undefined) return [];
  const junction = fieldsOf(condition, 'BoolExpr');
  return junction?.['boolop'] === 'AND_EXPR' ? listOf(junction['args']).flatMap(conjuncts) : [condition];
}

function equalityOf(condition: Tree, table: string): Equality | undefined {
  const expression = fieldsOf(condition, 'A_Expr');
  if (expression?.['kind'] !== 'AEXPR_OP' || namesOf(expression['name']).join('.') !== '=') return undefined;
  const { lexpr, rexpr } = expression;
  return sidesOf(lexpr, rexpr, table) ?? sidesOf(rexpr, lexpr, table);
}

function sidesOf(left: Tree | undefined, right: Tree | undefined, table: string): Equality | undefined {
  const names = namesOf(fieldsOf(left, 'ColumnRef')?.['fields']);
  const column = names.at(-1);
  if (column === undefined || names.includes('*') || names.length > 2) return undefined;
  if (names.length === 2 && names[0] !== table) return undefined;
  const type = fieldsOf(right, 'TypeCast');
  const value = fixedValue(type ? type['arg'] : right);
  if (!value) return undefined;
  if (!type) return Object.freeze({ column, value, cast: undefined });
  const cast = isObject(type['typeName']) ? type['typeName'] : {};
  // A length cuts the value, an array is none.
  if ('typmods' in cast || 'arrayBounds' in cast) return undefined;
  return Object.freeze({ column, value, cast: Object.freeze(namesOf(cast['names'])) });
}

function fixedValue(tree: Tree | undefined): FixedValue | undefined {
  const parameter = fieldsOf(tree, 'ParamRef')?.['number'];
  if (typeof parameter === 'number') return Object.freeze({ kind: 'parameter', number: parameter });
  const constant = fieldsOf(tree, 'A_Const');
  if (!constant || constant['isnull'] === true) return undefined;
  const value = constantText(constant);
  return value === undefined ? undefined : Object.freeze({ kind: 'constant', value });
}

/** Strings and numbers; zero is an empty node. */
function constantText(constant: TreeObject): string | undefined {
  const { sval, ival, fval } = constant;
  if (isObject(sval)) return textOf(sval['sval']) ?? '';
  if (isObject(ival)) return String(ival['ival'] ?? 0);
  return isObject(fval) ? textOf(fval['fval']) : undefined;
}
