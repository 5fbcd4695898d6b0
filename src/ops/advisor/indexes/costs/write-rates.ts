import type { TableModel } from '../model/types.ts';
import type { AnalysedStatement } from '../candidates/types.ts';

/** Rows that are written to a table in an hour. */
export interface WriteRates {
  inserts: number;
  deletes: number;
  updates: Updates;
}

export interface Updates {
  perHour: number;
  /** Of them, those that write to no index: no indexed column changes, and the page has room. */
  hotPerHour: number;
  /** Of those, the ones that set one of these columns. */
  hotTouching(columns: readonly string[]): number;
}

/** Rows that a statement writes in one call, as the planner sees it. */
export type RowsWritten = (statement: AnalysedStatement) => number;

/** Counters over less than this tell more of how a table was filled than of how it is used. */
const leastHours = 24;
/** What is taken for the share of HOT updates where nothing was counted. */
const usualHotShare = 0.5;

/**
 * How often a table is written to: by the statements of the workload that write to it, and by the server's own counters where those
 * have counted for a day at least, whichever is more. A workload from a file says all there is to say: no counters then.
 */
export function writeRates(
  table: TableModel,
  statements: readonly AnalysedStatement[],
  rowsWritten: RowsWritten,
  countedHours: number | null,
): WriteRates {
  let [inserts, updates, deletes] = [0, 0, 0];
  const sets: { columns: readonly string[]; rows: number }[] = [];
  for (const each of statements) {
    for (const write of each.writes) {
      if (write.schema !== table.schema || write.table !== table.name) continue;
      const rows = each.statement.callsPerHour * rowsWritten(each);
      if (write.by === 'insert') inserts += rows;
      if (write.by === 'delete') deletes += rows;
      if (write.by === 'update') {
        updates += rows;
        sets.push({ columns: write.columns, rows });
      }
    }
  }
  const known = updates;
  const { writes } = table;
  if (countedHours !== null && countedHours >= leastHours) {
    inserts = Math.max(inserts, writes.inserts / countedHours);
    updates = Math.max(updates, writes.updates / countedHours);
    deletes = Math.max(deletes, writes.deletes / countedHours);
  }
  const hotShare = writes.updates > 0 ? writes.hotUpdates / writes.updates : usualHotShare;
  const indexed = indexedColumns(table);
  const mayBeHot = sets.filter((set) => !set.columns.some((column) => indexed.has(column)));
  // Updates that no statement of the workload explains might set any column.
  const unexplained = Math.max(updates - known, 0);
  const rowsOf = (some: typeof sets): number => some.reduce((sum, { rows }) => sum + rows, 0);
  const possible = rowsOf(mayBeHot) + unexplained;
  const hotPerHour = Math.min(updates * hotShare, possible);
  return {
    inserts,
    deletes,
    updates: {
      perHour: updates,
      hotPerHour,
      hotTouching: (columns) => {
        if (possible === 0) return 0;
        const touching = mayBeHot.filter((set) => set.columns.some((column) => columns.includes(column)));
        return (hotPerHour * (rowsOf(touching) + unexplained)) / possible;
      },
    },
  };
}

/** Columns that indexes of a table hold or depend on; BRIN apart, whose columns may change without harm (16+). */
function indexedColumns({ columns, indexes }: TableModel): Set<string> {
  const found = new Set<string>();
  for (const { method, keys, include, where } of indexes) {
    if (method === 'brin') continue;
    for (const name of [...include, ...keys.flatMap(({ column }) => column ?? [])]) found.add(name);
    const expressions = [
      where ?? '',
      ...keys.filter(({ column }) => column === undefined).map(({ expression }) => expression),
    ];
    for (const { name } of columns) if (expressions.some((text) => text.includes(name))) found.add(name);
  }
  return found;
}
