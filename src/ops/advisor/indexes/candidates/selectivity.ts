import type { Condition, Operand } from '../../../../sql/index.ts';
import type { ColumnModel, TableModel } from '../model/types.ts';

/** PostgreSQL's own default for values of which nothing is known (`DEFAULT_NUM_DISTINCT`). */
const unknownDistinct = 200;

export function columnOf(table: TableModel, operand: Operand): ColumnModel | undefined {
  return operand.column === undefined ? undefined : table.columns.find(({ name }) => name === operand.column);
}

/** How many different values an operand has: for expressions as many as PostgreSQL assumes. */
export function distinctOf(table: TableModel, operand: Operand): number {
  const column = columnOf(table, operand);
  if (!column) return Math.min(unknownDistinct, Math.max(table.rows, 1));
  if (column.baseType === 'bool') return 2;
  return Math.max(column.statistics?.distinct ?? unknownDistinct, 1);
}

/** Bytes that a column's value takes on average. */
export function widthOf(column: ColumnModel | undefined): number {
  return column?.statistics?.width ?? 16;
}

/**
 * The share of rows that meet a condition on constants, from the statistics of its column; `undefined` when they do not tell.
 */
export function shareOf(table: TableModel, { kind, operand, constant }: Condition): number | undefined {
  const statistics = columnOf(table, operand)?.statistics;
  if (!statistics || constant === undefined) return undefined;
  const { nulls, common, distinct } = statistics;
  const known = [...common.values()].reduce((sum, share) => sum + share, 0);
  const rest = Math.max(1 - nulls - known, 0) / Math.max(distinct - common.size, 1);
  switch (kind) {
    case 'null':
      return nulls;
    case 'not null':
      return 1 - nulls;
    case 'true':
      return common.get('t') ?? rest;
    case 'false':
      return common.get('f') ?? rest;
    case 'equal':
    case 'in':
      return Math.min(
        valuesIn(constant).reduce((sum, value) => sum + (common.get(value) ?? rest), 0),
        1,
      );
    case 'unequal':
      return Math.max(1 - nulls - valuesIn(constant).reduce((sum, value) => sum + (common.get(value) ?? rest), 0), 0);
    default:
      return undefined;
  }
}

/** The constants of a condition's SQL, as statistics show them. */
function valuesIn(constant: string): string[] {
  const values = [...constant.matchAll(/'((?:[^']|'')*)'|(?<![\w"])(-?\d+(?:\.\d+)?|true|false)(?![\w"])/g)];
  return values.map(([, text, word]) => {
    if (text !== undefined) return text.replaceAll("''", "'");
    return word === 'true' ? 't' : word === 'false' ? 'f' : (word ?? '');
  });
}
