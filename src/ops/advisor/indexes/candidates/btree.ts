import type { Condition, Operand, OrderKey, TableUse } from '../../../../sql/index.ts';
import type { IndexKey } from '../../../whatif/index.ts';
import type { TableModel } from '../model/types.ts';
import { keyOf } from './definition.ts';
import { columnOf, distinctOf } from './selectivity.ts';

/** Keys of one possible B-tree. */
export interface Keys {
  keys: IndexKey[];
  operands: Operand[];
  reason: string;
  /** Worth a covering and a partial form: it serves all that is asked, not one part. */
  whole: boolean;
}

/** More keys than this find nothing more, nearly always. */
const mostKeys = 5;
const equalities = new Set<Condition['kind']>(['equal', 'in', 'null', 'true', 'false']);

/** How often an operand is asked for in the whole workload, for the order of columns. */
export type Popularity = (table: TableModel, operand: Operand) => number;

/**
 * Lists of keys for one use of a table: columns that are compared for equality first, those that are asked for more often and find
 * fewer rows before others; then one range, or the order that is asked for.
 */
export function btreeKeys(use: TableUse, table: TableModel, popularity: Popularity): Keys[] {
  const found: Keys[] = [];
  const add = (
    operands: readonly Operand[],
    rest: readonly IndexKey[],
    more: readonly Operand[],
    reason: string,
    whole = true,
  ) => {
    const keys = [...operands.map(keyOf), ...rest].slice(0, mostKeys);
    if (keys.length > 0) found.push({ keys, operands: [...operands, ...more].slice(0, mostKeys), reason, whole });
  };
  const filters = [use.conditions, ...use.alternatives];
  for (const [at, conditions] of filters.entries()) {
    const usable = conditions.filter(({ operand }) => isOrderable(table, operand));
    const equal = usable.filter(({ kind }) => equalities.has(kind));
    const ranges = usable.filter(({ kind }) => kind === 'range');
    const orders = at === 0 ? ordersOf(use) : [];
    const bases = equalityBases(equal, table, popularity);
    for (const base of bases.length > 0 ? bases : [{ operands: [], reason: 'no condition of equality' }]) {
      add(base.operands, [], [], base.reason);
      for (const range of ranges.slice(0, 3)) {
        const operands = (range.row ?? [range.operand]).filter((operand) => !has(base.operands, operand));
        add(base.operands, operands.map(keyOf), operands, `${base.reason}, then the range of ${range.operand.sql}`);
      }
      for (const order of orders) {
        const rest = order.keys.filter(({ operand }) => !has(base.operands, operand));
        if (rest.length === 0 || !rest.every(({ operand }) => isOrderable(table, operand))) continue;
        add(
          base.operands,
          orderKeys(rest),
          rest.map(({ operand }) => operand),
          `${base.reason}, then ${order.reason}`,
        );
      }
    }
    for (const { operand } of [...equal, ...ranges]) add([operand], [], [], `the condition on ${operand.sql}`, false);
    for (const order of orders) {
      const keys = order.keys.filter(({ operand }) => isOrderable(table, operand));
      if (keys.length < order.keys.length) continue;
      // What else is compared stands behind: rows are thrown away in the index, before the table is read.
      const behind = equal
        .map(({ operand }) => operand)
        .filter((operand) => !keys.some((key) => key.operand.sql === operand.sql));
      const own = keys.map(({ operand }) => operand);
      add([], orderKeys(keys), own, order.reason);
      if (behind.length > 0)
        add(
          [],
          [...orderKeys(keys), ...behind.map(keyOf)],
          [...own, ...behind],
          `${order.reason}, then the conditions`,
        );
    }
  }
  return found;
}

function has(operands: readonly Operand[], operand: Operand): boolean {
  return operands.some(({ sql }) => sql === operand.sql);
}

function isOrderable(table: TableModel, operand: Operand): boolean {
  if (operand.column === undefined) return true;
  return columnOf(table, operand)?.orderable ?? false;
}

interface Base {
  operands: Operand[];
  reason: string;
}

/** The sets of equalities that one scan can be asked for: those with values, those with the columns of one join, and both. */
function equalityBases(equal: readonly Condition[], table: TableModel, popularity: Popularity): Base[] {
  const filters = equal.filter(({ with: compared }) => compared === 'constant' || compared === 'value');
  const joined = Map.groupBy(
    equal.filter(({ with: compared }) => compared === 'join' || compared === 'other'),
    ({ other }) => other?.use ?? -1,
  );
  const ordered = (conditions: readonly Condition[]): Operand[] => {
    const operands = new Map(conditions.map(({ operand }) => [operand.sql, operand]));
    const rank = (operand: Operand): number => popularity(table, operand) * Math.log2(1 + distinctOf(table, operand));
    return enough(
      [...operands.values()].toSorted((a, b) => rank(b) - rank(a)),
      table,
    );
  };
  const bases: Base[] = [];
  const add = (operands: Operand[], reason: string): void => {
    if (operands.length > 0) bases.push({ operands, reason });
  };
  add(ordered(filters), 'the conditions with values');
  const selective = filters.toSorted((a, b) => distinctOf(table, b.operand) - distinctOf(table, a.operand)).slice(0, 2);
  if (filters.length > 2) add(ordered(selective), 'the two conditions that find the fewest rows');
  for (const conditions of joined.values()) {
    add(ordered(conditions), 'the join');
    if (filters.length > 0) {
      add([...ordered(conditions), ...ordered(filters)].slice(0, mostKeys), 'the join and the conditions');
      add([...ordered(filters), ...ordered(conditions)].slice(0, mostKeys), 'the conditions and the join');
    }
  }
  return bases.map(({ operands, reason }) => ({ operands: unique(operands), reason }));
}

function unique(operands: readonly Operand[]): Operand[] {
  return [...new Map(operands.map((operand) => [operand.sql, operand])).values()];
}

/** Leaves out columns behind those that find a single row already. */
function enough(operands: readonly Operand[], table: TableModel): Operand[] {
  let rows = Math.max(table.rows, 1);
  return operands.filter((operand) => {
    if (rows < 1) return false;
    rows /= distinctOf(table, operand);
    return true;
  });
}

interface Order {
  keys: readonly OrderKey[];
  reason: string;
}

function ordersOf(use: TableUse): Order[] {
  const asKeys = (operands: readonly Operand[]): OrderKey[] =>
    operands.map((operand) => ({ operand, descending: false, nulls: undefined, distance: undefined }));
  return [
    ...use.orders
      .filter((keys) => keys.every(({ distance }) => distance === undefined))
      .map((keys) => ({ keys, reason: 'the order that is asked for' })),
    ...use.groups.map((operands) => ({ keys: asKeys(operands), reason: 'the groups' })),
    ...use.extremes.map((key) => ({ keys: [key], reason: `the extreme of ${key.operand.sql}` })),
  ];
}

/** Keys for an order; turned so that the first one ascends, because an index is read from both ends. */
function orderKeys(order: readonly OrderKey[]): IndexKey[] {
  const turned = order[0]?.descending === true;
  return order.map(({ operand, descending, nulls }) => {
    const first = (nulls === undefined ? descending : nulls === 'first') !== turned;
    const down = descending !== turned;
    // Without NULLS, PostgreSQL puts them last in an ascending and first in a descending order.
    return {
      ...keyOf(operand),
      ...(down ? { descending: true } : {}),
      ...(first === down ? {} : { nulls: first ? ('first' as const) : ('last' as const) }),
    };
  });
}
