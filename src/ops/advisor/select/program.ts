import type { ModelData } from 'highs';
import type { CompactMatrix } from './compact.ts';
import { at } from './choice.ts';

/** What the costs of all queries without indexes are scaled to, so that the solver's tolerances mean the same for every matrix. */
export const scaledBase = 1e5;

/**
 * The choice as a mixed-integer program. Column i is index i (whole), then comes a column for each entry, how far its query takes it:
 *
 *     minimise  base + Σ writeCost·x − Σ saving·y
 *     size      Σ size·x ≤ budget
 *     query     Σ y ≤ 1                    over the entries of each query
 *     link      Σ y ≤ x                    over the entries of each query that contain an index
 *
 * With whole x the best y is whole by itself. One link for all entries of a query is smaller and tighter than one for each.
 */
export function programOf(matrix: CompactMatrix): ModelData {
  const { indexes, queryOf, saving, memberStart, members, size, writeCost, base, budget } = matrix;
  const scale = base > 0 ? scaledBase / base : 1;
  const entries = queryOf.length;
  const columns = indexes + entries;
  const rows = new Rows();
  const total = size.reduce((sum, each) => sum + each, 0);
  if (total > budget) {
    rows.begin(1);
    for (let index = 0; index < indexes; index++) rows.put(index, at(size, index) / budget);
  }
  for (let from = 0, to = 0; from < entries; from = to) {
    while (to < entries && queryOf[to] === queryOf[from]) to++;
    const containing = new Map<number, number[]>();
    for (let entry = from; entry < to; entry++) {
      for (let m = at(memberStart, entry); m < at(memberStart, entry + 1); m++) {
        const list = containing.get(at(members, m));
        if (list) list.push(entry);
        else containing.set(at(members, m), [entry]);
      }
    }
    rows.begin(1);
    for (let entry = from; entry < to; entry++) rows.put(indexes + entry, 1);
    for (const [index, list] of containing) {
      rows.begin(0);
      rows.put(index, -1);
      for (const entry of list) rows.put(indexes + entry, 1);
    }
  }
  return {
    numCols: columns,
    numRows: rows.upper.length,
    offset: base * scale,
    colCost: Float64Array.from({ length: columns }, (_, column) =>
      column < indexes ? at(writeCost, column) * scale : -at(saving, column - indexes) * scale,
    ),
    colLower: new Float64Array(columns),
    colUpper: new Float64Array(columns).fill(1),
    rowLower: new Float64Array(rows.upper.length).fill(-Infinity),
    rowUpper: Float64Array.from(rows.upper),
    matrix: {
      format: 'csr',
      numRows: rows.upper.length,
      numCols: columns,
      starts: Int32Array.from([...rows.starts, rows.columns.length]),
      indices: Int32Array.from(rows.columns),
      values: Float64Array.from(rows.values),
    },
  };
}

/** Rows of a sparse matrix as they are written down. */
class Rows {
  readonly upper: number[] = [];
  readonly starts: number[] = [];
  readonly columns: number[] = [];
  readonly values: number[] = [];

  begin(upper: number): void {
    this.upper.push(upper);
    this.starts.push(this.columns.length);
  }

  put(column: number, value: number): void {
    this.columns.push(column);
    this.values.push(value);
  }
}
