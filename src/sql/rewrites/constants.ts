import { fieldsOf, isObject, listOf, namesOf, textOf, type Tree } from '../describe/tree.ts';

/** A value that a statement gives: a literal, a parameter. */
export type Constant =
  | { kind: 'string'; value: string }
  | { kind: 'integer'; value: number }
  | { kind: 'decimal'; value: string }
  | { kind: 'parameter'; number: number }
  | { kind: 'null' };

/** What a node is as a constant, without casts; `undefined` when it is none. */
export function constantOf(tree: Tree | undefined): Constant | undefined {
  const parameter = fieldsOf(tree, 'ParamRef');
  if (parameter)
    return { kind: 'parameter', number: typeof parameter['number'] === 'number' ? parameter['number'] : 0 };
  const constant = fieldsOf(tree, 'A_Const');
  if (!constant) return undefined;
  if (constant['isnull'] === true) return { kind: 'null' };
  const integer = constant['ival'];
  if (isObject(integer)) return { kind: 'integer', value: typeof integer['ival'] === 'number' ? integer['ival'] : 0 };
  const decimal = constant['fval'];
  if (isObject(decimal)) return { kind: 'decimal', value: textOf(decimal['fval']) ?? '0' };
  const text = constant['sval'];
  return isObject(text) ? { kind: 'string', value: textOf(text['sval']) ?? '' } : undefined;
}

/** The type that something is cast to, and what is cast. */
export function castOf(tree: Tree | undefined): { value: Tree; type: string } | undefined {
  const cast = fieldsOf(tree, 'TypeCast');
  const type = cast?.['typeName'];
  if (!cast || cast['arg'] === undefined || !isObject(type) || listOf(type['arrayBounds']).length > 0) return undefined;
  return { value: cast['arg'], type: namesOf(type['names']).at(-1) ?? '' };
}

/** A call of a function of PostgreSQL by its plain name. */
export function callOf(tree: Tree | undefined): { name: string; arguments: readonly Tree[] } | undefined {
  const call = fieldsOf(tree, 'FuncCall');
  if (!call) return undefined;
  const names = namesOf(call['funcname']);
  const special = ['agg_star', 'agg_distinct', 'agg_within_group', 'func_variadic'].some((name) => call[name] === true);
  const extended = ['agg_order', 'agg_filter', 'over'].some((name) => call[name] !== undefined);
  if (special || extended || (names.length > 1 && names[0] !== 'pg_catalog')) return undefined;
  return { name: names.at(-1) ?? '', arguments: listOf(call['args']) };
}

const aggregates = new Set(
  `count sum avg min max array_agg string_agg json_agg jsonb_agg json_object_agg jsonb_object_agg bool_and bool_or every stddev
  stddev_pop stddev_samp variance var_pop var_samp corr mode percentile_cont percentile_disc bit_and bit_or xmlagg any_value
  range_agg grouping`.split(/\s+/),
);

/** Whether an expression computes an aggregate or a window function; a function that is not known may be one. */
export function mayAggregate(tree: Tree | undefined): boolean {
  return some(tree, (node) => {
    const call = fieldsOf(node, 'FuncCall');
    if (fieldsOf(node, 'GroupingFunc')) return true;
    return (
      call !== undefined &&
      (call['agg_star'] === true || call['over'] !== undefined || !scalar.has(namesOf(call['funcname']).at(-1) ?? ''))
    );
  });
}

/** Whether an expression surely computes an aggregate. */
export function hasAggregate(tree: Tree | undefined): boolean {
  return some(tree, (node) => {
    const call = fieldsOf(node, 'FuncCall');
    return call !== undefined && (call['agg_star'] === true || aggregates.has(namesOf(call['funcname']).at(-1) ?? ''));
  });
}

const scalar = new Set(
  'lower upper abs round date_trunc date coalesce length trim btrim substring floor ceil mod'.split(' '),
);

/** Whether a node or one below it fits, subqueries included. */
export function some(tree: Tree | undefined, fits: (node: Tree) => boolean): boolean {
  if (tree === undefined || typeof tree !== 'object' || tree === null) return false;
  if (!Array.isArray(tree) && fits(tree)) return true;
  const inside = Array.isArray(tree) ? (tree as readonly Tree[]) : Object.values(tree as Record<string, Tree>);
  return inside.some((each) => some(each, fits));
}
