import { fieldsOf, isObject, listOf, namesOf, textOf, type Tree, type TreeObject } from '../describe/tree.ts';
import type { Level, OpenUse } from './level.ts';
import type { Operand, OrderKey } from './predicates.ts';
import { type Bound, boundsOf, tablesIn } from './resolve.ts';

/** Notes what a query's ORDER BY, GROUP BY, DISTINCT, windows and lone min() and max() ask of its tables. */
export function readOrders(query: TreeObject, level: Level): void {
  const sort = listOf(query['sortClause']);
  const distinct = listOf(query['distinctClause']);
  addOrder(sort, level);
  // Plain DISTINCT is a list of one empty node.
  if (distinct.length > 0 && Object.keys(isObject(distinct[0]) ? distinct[0] : {}).length === 0) {
    addGroup(
      level.outputs.map(({ tree }) => tree),
      level,
    );
  } else if (distinct.length > 0 && sort.length === 0) addOrder(distinct.map(asSort), level);
  const group = listOf(query['groupClause']);
  addGroup(
    group.map((item) => meant(item, level, 'column')),
    level,
  );
  if (group.length === 0) for (const { tree } of level.outputs) addExtreme(tree, level);
  for (const window of windowsIn([...listOf(query['targetList']), ...listOf(query['windowClause'])])) {
    addOrder([...listOf(window['partitionClause']).map(asSort), ...listOf(window['orderClause'])], level);
  }
}

function asSort(tree: Tree): Tree {
  return { SortBy: { node: tree } };
}

/** ORDER BY of a set operation, whose keys are results of its sides. */
export function readUnionOrder(query: TreeObject, sides: readonly Level[]): void {
  for (const side of sides) addOrder(listOf(query['sortClause']), side);
}

function addOrder(items: readonly Tree[], level: Level): void {
  const keys: { use: OpenUse; key: OrderKey }[] = [];
  for (const item of items) {
    const key = orderKey(fieldsOf(item, 'SortBy') ?? {}, level);
    if (!key || (keys[0] && keys[0].use !== key.use)) break;
    keys.push(key);
  }
  keys[0]?.use.orders.push(keys.map(({ key }) => key));
}

function orderKey(sort: TreeObject, level: Level): { use: OpenUse; key: OrderKey } | undefined {
  const node = meant(sort['node'], level, 'result');
  const using = namesOf(sort['useOp']).at(-1);
  const descending = sort['sortby_dir'] === 'SORTBY_DESC' || using === '>';
  const nulls =
    sort['sortby_nulls'] === 'SORTBY_NULLS_FIRST'
      ? 'first'
      : sort['sortby_nulls'] === 'SORTBY_NULLS_LAST'
        ? 'last'
        : undefined;
  const [bound] = boundsOf(node, level);
  const distance = distanceOf(node, level);
  if (distance)
    return { use: distance.use, key: { operand: distance.operand, descending, nulls, distance: distance.operator } };
  return bound && { use: bound.use, key: { operand: bound.operand, descending, nulls, distance: undefined } };
}

/** `place <-> $1`: operators of distance are made of these characters, by custom. */
function distanceOf(tree: Tree | undefined, level: Level): (Bound & { operator: string }) | undefined {
  const operation = fieldsOf(tree, 'A_Expr');
  const operator = namesOf(operation?.['name']).at(-1) ?? '';
  if (!operation || !/^<+[-#=+~%]+>+$/.test(operator)) return undefined;
  for (const [side, value] of [
    [operation['lexpr'], operation['rexpr']],
    [operation['rexpr'], operation['lexpr']],
  ]) {
    const [bound] = boundsOf(side, level);
    if (bound && !tablesIn(value, level).has(bound.use)) return { ...bound, operator };
  }
  return undefined;
}

function addGroup(items: readonly (Tree | undefined)[], level: Level): void {
  const bounds = items.map((item) => boundsOf(item, level)[0]);
  const [first] = bounds;
  if (!first || bounds.some((bound) => bound?.use !== first.use)) return;
  const operands: Operand[] = bounds.flatMap((bound) => bound?.operand ?? []);
  first.use.groups.push(operands);
}

/**
 * A number stands for a result by place. A name alone means a result first in ORDER BY, and a column of a table first in
 * GROUP BY.
 */
function meant(tree: Tree | undefined, level: Level, first: 'result' | 'column'): Tree | undefined {
  const place = fieldsOf(fieldsOf(tree, 'A_Const'), 'ival')?.['ival'];
  if (typeof place === 'number') return level.outputs[place - 1]?.tree;
  const [name, ...more] = namesOf(fieldsOf(tree, 'ColumnRef')?.['fields']);
  if (name === undefined || more.length > 0) return tree;
  if (first === 'column' && boundsOf(tree, level).length > 0) return tree;
  return level.outputs.find((output) => output.name === name)?.tree ?? tree;
}

function addExtreme(tree: Tree, level: Level): void {
  const call = fieldsOf(tree, 'FuncCall');
  const name = namesOf(call?.['funcname']).at(-1);
  if (!call || 'over' in call || (name !== 'min' && name !== 'max')) return;
  for (const { use, operand } of boundsOf(listOf(call['args'])[0], level)) {
    use.extremes.push({ operand, descending: name === 'max', nulls: undefined, distance: undefined });
  }
}

/** The windows in a tree, outside of sub-queries. */
function windowsIn(tree: Tree | undefined): TreeObject[] {
  if (Array.isArray(tree)) return (tree as readonly Tree[]).flatMap(windowsIn);
  if (!isObject(tree) || 'SelectStmt' in tree) return [];
  const own = isObject(tree['over']) ? [tree['over']] : [fieldsOf(tree, 'WindowDef') ?? []].flat();
  const named = own.filter((window) => textOf(window['name']) === undefined || 'orderClause' in window);
  return [...named, ...Object.values(tree).flatMap(windowsIn)];
}
