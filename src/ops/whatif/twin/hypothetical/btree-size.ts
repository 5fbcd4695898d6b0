import { align8, btreePageRoom } from '../files/height.ts';
import { blockSize } from '../files/page.ts';
import type { IndexColumn } from './columns.ts';

/** Leaves are filled to 90 % (`BTREE_DEFAULT_FILLFACTOR`). */
const leafFree = Math.floor(blockSize * 0.1);
const innerFree = Math.floor(blockSize * 0.3);
/** Row pointers of equal keys are joined up to so many bytes (`_bt_load`). */
const postingLimit = Math.floor((blockSize * 0.1) / 8) * 8 - 4;
const pointerBytes = 6;
const lineBytes = 4;

export interface BtreeSize {
  pages: number;
  height: number;
}

/**
 * How large a B-tree over so many rows is just after CREATE INDEX. Rows whose keys are equal are stored once with a list of
 * pointers, where the types allow it and nothing is carried along.
 */
export function btreeSize(columns: readonly IndexColumn[], rows: number, unique = false): BtreeSize {
  const keys = columns.filter(({ key }) => key);
  const tupleBytes = averageTuple(columns);
  const mayJoin = !unique && keys.length === columns.length && keys.every(({ equalImage }) => equalImage);
  const { bytes, items } = mayJoin
    ? joined(keys, tupleBytes, rows)
    : { bytes: rows * (tupleBytes + lineBytes), items: rows };
  const itemBytes = items > 0 ? bytes / items : tupleBytes + lineBytes;
  // A page takes whole tuples only, and one of them is its upper bound.
  const bound = averageTuple(keys) + lineBytes;
  const perLeaf = Math.max(1, Math.floor((btreePageRoom - leafFree - bound) / itemBytes) + (itemBytes > 100 ? 0.5 : 0));
  let level = Math.max(1, Math.ceil(items / perLeaf));
  let pages = level;
  let height = 0;
  const perInner = Math.max(2, Math.floor((btreePageRoom - innerFree) / bound));
  while (level > 1) {
    level = Math.ceil(level / perInner);
    pages += level;
    height += 1;
  }
  return { pages: rows > 0 ? pages + 1 : 1, height };
}

/** Header, values with their alignment, and a bitmap where any of them is NULL. */
function averageTuple(columns: readonly IndexColumn[]): number {
  const someNull = 1 - columns.reduce((share, { nullFraction }) => share * (1 - nullFraction), 1);
  let offset = 0;
  for (const { width, align, length, nullFraction } of columns) {
    // Short values of their own length have a header of one byte, and no alignment.
    const aligned = length === -1 && width < 127 ? offset : Math.ceil(offset / align) * align;
    offset = aligned + width * (1 - nullFraction);
  }
  const rounded = columns.some(({ length }) => length === -1) ? offset + 3.5 : align8(offset);
  return 8 + rounded + someNull * 8;
}

/** Bytes and tuples where equal keys share one. */
function joined(keys: readonly IndexColumn[], tupleBytes: number, rows: number): { bytes: number; items: number } {
  const perTuple = Math.max(1, Math.floor((postingLimit - tupleBytes) / pointerBytes));
  let bytes = 0;
  let items = 0;
  const add = (values: number, each: number): void => {
    if (each < 1.5) {
      bytes += values * each * (tupleBytes + lineBytes);
      items += values * each;
      return;
    }
    const tuples = Math.ceil(each / perTuple);
    bytes += values * (tuples * (tupleBytes + lineBytes + 4) + each * pointerBytes);
    items += values * tuples;
  };
  for (const { values, each } of groups(keys, rows)) add(values, each);
  return { bytes, items };
}

/** How many keys there are, and how many rows each has: the most frequent values one by one. */
function groups(keys: readonly IndexColumn[], rows: number): { values: number; each: number }[] {
  const [first] = keys;
  if (keys.length !== 1 || first === undefined) {
    const distinct = Math.min(
      rows,
      keys.reduce((product, { distinct: of, nullFraction }) => product * (of(rows) + (nullFraction > 0 ? 1 : 0)), 1),
    );
    return [{ values: Math.max(1, distinct), each: rows / Math.max(1, distinct) }];
  }
  const nulls = rows * first.nullFraction;
  const common = first.frequencies.map((share) => ({ values: 1, each: share * rows }));
  const rest = Math.max(0, rows - nulls - common.reduce((sum, { each }) => sum + each, 0));
  const values = Math.max(0, first.distinct(rows) - common.length);
  return [
    ...(nulls >= 1 ? [{ values: 1, each: nulls }] : []),
    ...common,
    ...(rest >= 1
      ? [{ values: Math.max(1, Math.min(values, rest)), each: rest / Math.max(1, Math.min(values, rest)) }]
      : []),
  ];
}
