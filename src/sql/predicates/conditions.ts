import { fieldsOf, isObject, listOf, namesOf, nodeOf, type Tree, type TreeObject } from '../describe/tree.ts';
import { deparse } from './deparse.ts';
import type { Level, OpenUse } from './level.ts';
import { likeKind } from './patterns.ts';
import type { ComparedWith, Condition, ConditionKind } from './predicates.ts';
import { type Bound, boundsOf, rowItems, tablesIn } from './resolve.ts';

/** A condition and the table whose rows it is about. */
export interface BoundCondition {
  use: OpenUse;
  condition: Condition;
}

/** The parts of a condition that must all be met. */
export function conjuncts(tree: Tree | undefined): Tree[] {
  if (tree === undefined) return [];
  const junction = fieldsOf(tree, 'BoolExpr');
  return junction?.['boolop'] === 'AND_EXPR' ? listOf(junction['args']).flatMap(conjuncts) : [tree];
}

/** The branches of a condition one of which must be met; `undefined` when it is no OR. */
export function disjuncts(tree: Tree): readonly Tree[] | undefined {
  const junction = fieldsOf(tree, 'BoolExpr');
  return junction?.['boolop'] === 'OR_EXPR' ? listOf(junction['args']) : undefined;
}

/** What one condition, no AND and no OR, asks of the tables in it; from both sides where both are a table's. */
export function conditionsOf(tree: Tree, level: Level): BoundCondition[] {
  const node = nodeOf(tree);
  if (!node) return [];
  const { tag, fields } = node;
  switch (tag) {
    case 'A_Expr':
      return comparison(fields, level);
    case 'NullTest':
      return single(fields['arg'], fields['nulltesttype'] === 'IS_NULL' ? 'null' : 'not null', 'IS', level);
    case 'BooleanTest':
      return booleanTest(fields, level);
    case 'BoolExpr':
      return fields['boolop'] === 'NOT_EXPR' ? negation(listOf(fields['args'])[0], level) : [];
    case 'SubLink':
      return membership(fields, level);
    case 'FuncCall':
      return namesOf(fields['funcname']).at(-1) === 'starts_with'
        ? sided('prefix', 'starts_with', listOf(fields['args'])[0], listOf(fields['args'])[1], level)
        : [];
    case 'ColumnRef':
      return single(tree, 'true', '', level);
    default:
      return [];
  }
}

function booleanTest(fields: TreeObject, level: Level): BoundCondition[] {
  const kind = fields['booltesttype'];
  if (kind === 'IS_TRUE') return single(fields['arg'], 'true', '', level);
  return kind === 'IS_FALSE' ? single(fields['arg'], 'false', '', level) : [];
}

function negation(tree: Tree | undefined, level: Level): BoundCondition[] {
  if (fieldsOf(tree, 'ColumnRef')) return single(tree, 'false', '', level);
  const test = fieldsOf(tree, 'NullTest');
  if (test) return single(test['arg'], test['nulltesttype'] === 'IS_NULL' ? 'not null' : 'null', 'IS', level);
  return [];
}

const singleSql: Partial<Record<ConditionKind, (operand: string) => string>> = {
  null: (operand) => `${operand} IS NULL`,
  'not null': (operand) => `${operand} IS NOT NULL`,
  true: (operand) => operand,
  false: (operand) => `NOT ${operand}`,
};

/** A condition of one operand by itself. */
function single(tree: Tree | undefined, kind: ConditionKind, operator: string, level: Level): BoundCondition[] {
  return boundsOf(tree, level).map(({ use, operand }) => ({
    use,
    condition: Object.freeze({
      kind,
      operand,
      operator,
      with: 'constant',
      constant: singleSql[kind]?.(operand.sql),
      parameter: undefined,
      other: undefined,
      row: undefined,
    }),
  }));
}

/** `a IN (SELECT b …)` joins a with b. */
function membership(fields: TreeObject, level: Level): BoundCondition[] {
  if (fields['subLinkType'] !== 'ANY_SUBLINK') return [];
  const operator = namesOf(fields['operName']).at(-1) ?? '=';
  if (operator !== '=') return [];
  return rowItems(fields['testexpr']).flatMap((item) =>
    boundsOf(item, level).map((bound) => build(bound, 'equal', '=', 'other', {})),
  );
}

/** What is known of a comparison beside its operand. */
type Known = Partial<Pick<Condition, 'constant' | 'parameter' | 'other' | 'row'>>;

function build({ use, operand }: Bound, kind: ConditionKind, operator: string, compared: ComparedWith, known: Known) {
  const { constant, parameter, other, row } = known;
  const condition: Condition = { kind, operand, operator, with: compared, constant, parameter, other, row };
  return { use, condition: Object.freeze(condition) };
}

const ranges = new Set(['<', '<=', '>', '>=']);

function comparison(fields: TreeObject, level: Level): BoundCondition[] {
  const operator = namesOf(fields['name']).at(-1) ?? '';
  const { lexpr, rexpr } = fields;
  switch (fields['kind']) {
    case 'AEXPR_OP':
      if (lexpr === undefined) return [];
      if (fieldsOf(lexpr, 'RowExpr') && fieldsOf(rexpr, 'RowExpr')) return rows(operator, lexpr, rexpr, level);
      return bothSides(operator, lexpr, rexpr, level);
    case 'AEXPR_IN':
      return rowItems(lexpr).flatMap((item, at) => inList(operator, item, at, rexpr, level));
    case 'AEXPR_OP_ANY':
      // `$1 = ANY (tags)` asks for elements of an array: tags @> ARRAY[$1] is what an index can answer.
      if (operator !== '=') return [];
      return [...sided('in', '=', lexpr, rexpr, level), ...elementOf(lexpr, rexpr, level)];
    case 'AEXPR_LIKE':
      return operator === '~~' ? sided(likeKind(rexpr), operator, lexpr, rexpr, level) : [];
    case 'AEXPR_ILIKE':
      return operator === '~~*' ? sided('pattern', operator, lexpr, rexpr, level) : [];
    case 'AEXPR_SIMILAR':
      return operator === '~' ? sided('pattern', operator, lexpr, rexpr, level) : [];
    case 'AEXPR_BETWEEN':
    case 'AEXPR_BETWEEN_SYM':
      return sided('range', 'BETWEEN', lexpr, rexpr, level);
    default:
      return [];
  }
}

function kindOf(operator: string): ConditionKind {
  if (operator === '=') return 'equal';
  if (operator === '<>') return 'unequal';
  if (ranges.has(operator)) return 'range';
  if (operator === '^@') return 'prefix';
  if (operator === '~' || operator === '~*') return 'pattern';
  return 'operator';
}

/** The operator for the sides changed over; `undefined` where the changed order means nothing to an index. */
function changedOver(operator: string): string | undefined {
  const pairs: Record<string, string> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=', '@>': '<@', '<@': '@>' };
  if (operator === '=' || operator === '&&' || operator === '@@') return operator;
  return pairs[operator];
}

function bothSides(operator: string, left: Tree | undefined, right: Tree | undefined, level: Level): BoundCondition[] {
  const turned = changedOver(operator);
  const found = sided(kindOf(operator), operator, left, right, level);
  return turned === undefined ? found : [...found, ...sided(kindOf(turned), turned, right, left, level)];
}

/** Comparisons of rows: equal in each column, or a range over all of them in order. */
function rows(operator: string, left: Tree, right: Tree | undefined, level: Level): BoundCondition[] {
  const [lefts, rights] = [rowItems(left), rowItems(right)];
  if (operator === '=') return lefts.flatMap((item, at) => bothSides('=', item, rights[at], level));
  if (!ranges.has(operator)) return [];
  const bounds = lefts.map((item) => boundsOf(item, level)[0]);
  const [first] = bounds;
  if (!first) return [];
  const leading = bounds.slice(0, bounds.findIndex((bound) => bound?.use !== first.use) >>> 0);
  const row = Object.freeze(leading.flatMap((bound) => bound?.operand ?? []));
  return sided('range', operator, lefts[0], rights[0], level).map(({ use, condition }) => ({
    use,
    condition: Object.freeze({ ...condition, row, constant: undefined }),
  }));
}

function inList(
  operator: string,
  item: Tree | undefined,
  at: number,
  list: Tree | undefined,
  level: Level,
): BoundCondition[] {
  const values = listOf(fieldsOf(list, 'List')?.['items']);
  const column = values.map((value) => rowItems(value)[at] ?? value);
  return sided(operator === '=' ? 'in' : 'unequal', operator, item, { List: { items: column } }, level);
}

function elementOf(value: Tree | undefined, array: Tree | undefined, level: Level): BoundCondition[] {
  return boundsOf(array, level)
    .filter(({ use }) => !tablesIn(value, level).has(use))
    .map((bound) => build(bound, 'operator', '= ANY', comparedWith(value, level), {}));
}

/** A condition on its left side. */
function sided(
  kind: ConditionKind,
  operator: string,
  left: Tree | undefined,
  right: Tree | undefined,
  level: Level,
): BoundCondition[] {
  const compared = comparedWith(right, level);
  const others = compared === 'join' ? boundsOf(right, level) : [];
  const tables = tablesIn(right, level);
  return boundsOf(left, level)
    .filter(({ use }) => !tables.has(use))
    .map((bound) => {
      const [joined] = others;
      return build(bound, kind, operator, compared, {
        constant: compared === 'constant' ? constantCondition(kind, operator, bound, right) : undefined,
        parameter: parameterOf(right),
        other: joined && Object.freeze({ use: joined.use.number, operand: joined.operand }),
      });
    });
}

function comparedWith(tree: Tree | undefined, level: Level): ComparedWith {
  if (isConstant(tree)) return 'constant';
  if (boundsOf(tree, level).length > 0) return 'join';
  return tablesIn(tree, level).size > 0 || contains(tree, /^(?:SubLink|ColumnRef)$/) ? 'other' : 'value';
}

function isConstant(tree: Tree | undefined): boolean {
  if (Array.isArray(tree)) return (tree as readonly Tree[]).every(isConstant);
  const list = listOf(fieldsOf(tree, 'List')?.['items'] ?? fieldsOf(tree, 'A_ArrayExpr')?.['elements']);
  if (list.length > 0) return list.every(isConstant);
  const cast = fieldsOf(tree, 'TypeCast');
  return cast ? isConstant(cast['arg']) : fieldsOf(tree, 'A_Const') !== undefined;
}

function contains(tree: Tree | undefined, tag: RegExp): boolean {
  if (Array.isArray(tree)) return (tree as readonly Tree[]).some((item) => contains(item, tag));
  return isObject(tree) && Object.entries(tree).some(([name, value]) => tag.test(name) || contains(value, tag));
}

function parameterOf(tree: Tree | undefined): number | undefined {
  const cast = fieldsOf(tree, 'TypeCast');
  const number = fieldsOf(cast ? cast['arg'] : tree, 'ParamRef')?.['number'];
  return typeof number === 'number' ? number : undefined;
}

function constantCondition(
  kind: ConditionKind,
  operator: string,
  { operand }: Bound,
  right: Tree | undefined,
): string | undefined {
  const items = listOf(fieldsOf(right, 'List')?.['items'] ?? right);
  const values = (items.length > 0 ? items : [right]).map((item) => deparse(item, () => undefined));
  if (values.includes(undefined)) return undefined;
  if (operator === 'BETWEEN') return undefined;
  if (fieldsOf(right, 'List')) return `${operand.sql} ${kind === 'in' ? 'IN' : 'NOT IN'} (${values.join(', ')})`;
  return kind === 'equal' || kind === 'unequal' || kind === 'range'
    ? `${operand.sql} ${operator} ${values[0]}`
    : undefined;
}
