import type { Condition, Operand, TableUse } from '../../../../sql/index.ts';
import type { IndexMethod } from '../../../whatif/index.ts';
import type { DatabaseModel, OperatorClass, TableModel } from '../model/types.ts';
import { keyOf, type Wanted } from './definition.ts';
import { columnOf, widthOf } from './selectivity.ts';
import type { CandidateLimits } from './types.ts';

/** Candidates of one use of a table that are no plain B-trees. */
export function otherMethods(
  use: TableUse,
  table: TableModel,
  model: DatabaseModel,
  limits: CandidateLimits,
): Wanted[] {
  const conditions = [use.conditions, ...use.alternatives].flat();
  return [
    ...conditions.flatMap((condition) => bySearch(condition, table, model)),
    ...conditions.flatMap((condition) => byPrefix(condition, table)),
    ...use.orders.flatMap(([first]) =>
      first?.distance === undefined
        ? []
        : byClass(first.operand, table, model, ({ orders }) => orders.has(first.distance ?? '')),
    ),
    ...conditions.flatMap((condition) => byHash(condition, table)),
    ...conditions.flatMap((condition) => byBrin(condition, table, limits)),
  ];
}

/** What a B-tree does not search by, GIN and GiST may: containment, overlap, full text, patterns. */
function bySearch(condition: Condition, table: TableModel, model: DatabaseModel): Wanted[] {
  const { kind, operand, operator } = condition;
  if (kind !== 'operator' && kind !== 'pattern' && kind !== 'like') return [];
  // `$1 = ANY (tags)` is answered by none, unless it is written with `@>`; the planner does not do so.
  const found = byClass(operand, table, model, ({ searches }) => searches.has(operator), typeOf(condition));
  // Where both do, GIN reads what it looks for; GiST's signatures let through much that the planner does not expect.
  const gin = found.filter(({ method }) => method === 'gin');
  return gin.length > 0 ? gin : found;
}

function byClass(
  operand: Operand,
  table: TableModel,
  model: DatabaseModel,
  serves: (operatorClass: OperatorClass) => boolean,
  typeHint?: string,
): Wanted[] {
  const column = columnOf(table, operand);
  const types = typesOf(column?.baseType ?? typeHint, column?.category);
  return model.operatorClasses
    .filter((operatorClass) => types.includes(operatorClass.type) && serves(operatorClass))
    .map(({ method, name, isDefault }) => ({
      method: method as IndexMethod,
      keys: [{ ...keyOf(operand), ...(isDefault ? {} : { operatorClass: name }) }],
      columns: operand.columns,
      reason: `what ${operand.sql} is searched by`,
    }));
}

/** Names of the types by which operator classes that fit a column are known. */
function typesOf(baseType: string | undefined, category: string | undefined): string[] {
  if (baseType === undefined) return [];
  if (category === 'A' || baseType.startsWith('_')) return [baseType, 'anyarray'];
  if (baseType.endsWith('multirange')) return [baseType, 'anymultirange'];
  if (category === 'R' || baseType.endsWith('range')) return [baseType, 'anyrange'];
  return baseType === 'varchar' ? ['text'] : [baseType];
}

/** The type of an expression by its operator and outermost function: `to_tsvector(…)`, `tstzrange(…)`, `doc -> 'tags'`. */
function typeOf({ kind, operator, operand }: Condition): string | undefined {
  if (kind !== 'operator') return 'text';
  if (operator === '@@') return 'tsvector';
  const range = /^(\w+range)\(/.exec(operand.sql)?.[1];
  if (range !== undefined) return range;
  return /->\s*'[^']*'\)$|#>\s*'[^']*'\)$/.test(operand.sql) ? 'jsonb' : undefined;
}

/** Prefixes are found by a plain B-tree only where strings are compared byte by byte. */
function byPrefix({ kind, operand }: Condition, table: TableModel): Wanted[] {
  if (kind !== 'prefix' && kind !== 'like') return [];
  const column = columnOf(table, operand);
  if (column && column.category !== 'S') return [];
  const operatorClass = column?.baseType === 'bpchar' ? 'bpchar_pattern_ops' : 'text_pattern_ops';
  const key = column?.bytewise === true ? keyOf(operand) : { ...keyOf(operand), operatorClass };
  return [{ keys: [key], columns: operand.columns, reason: `the beginning of ${operand.sql}` }];
}

/** From this width of a key on, its hash of four bytes makes the smaller index. */
const wideKey = 24;

function byHash({ kind, operand }: Condition, table: TableModel): Wanted[] {
  const column = columnOf(table, operand);
  if (kind !== 'equal' || !column?.orderable || widthOf(column) < wideKey) return [];
  return [
    {
      method: 'hash',
      keys: [keyOf(operand)],
      columns: operand.columns,
      reason: `${operand.sql} is wide and only compared for equality`,
    },
  ];
}

/** How closely rows must follow a column's order for a summary of blocks to tell anything. */
const closeCorrelation = 0.9;

function byBrin({ kind, operand }: Condition, table: TableModel, limits: CandidateLimits): Wanted[] {
  const column = columnOf(table, operand);
  const correlation = Math.abs(column?.statistics?.correlation ?? 0);
  if (kind !== 'range' || !column?.orderable || correlation < closeCorrelation || table.pages < limits.brinPages)
    return [];
  return [
    {
      method: 'brin',
      keys: [keyOf(operand)],
      columns: operand.columns,
      reason: `rows lie in the order of ${operand.sql}`,
    },
  ];
}
