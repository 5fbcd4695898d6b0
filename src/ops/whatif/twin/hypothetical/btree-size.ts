import { align8, btreePageRoom } from '../files/height.ts';
import { blockSize } from '../files/page.ts';
import type { IndexColumn } from './columns.ts';
import { keyGroups } from './groups.ts';
import { averageTuple } from './tuples.ts';

/** Pages are full when less than this is free: 90 % of a leaf (`BTREE_DEFAULT_FILLFACTOR`), 70 % of an inner page. */
const leafFree = Math.floor(blockSize * 0.1);
const innerFree = Math.floor(blockSize * 0.3);
/** Row pointers of equal keys are joined into tuples up to so many bytes (`_bt_load`). */
const joinedLimit = Math.floor((blockSize * 0.1) / 8) * 8 - 4;
const pointerBytes = 6;
const lineBytes = 4;

export interface BtreeSize {
  pages: number;
  height: number;
}

/** What is on the leaves: tuples, and their bytes with line pointers. */
interface Leaves {
  tuples: number;
  bytes: number;
  /** Bytes of row pointers of an average tuple: what is cut off where it becomes the bound of a page. */
  cut: number;
}

/**
 * How large a B-tree over so many rows is just after CREATE INDEX. Rows whose keys are equal are stored once with a list of
 * pointers, where the types allow it and nothing is carried along. `together`: how many different keys there are, where extended
 * statistics tell.
 */
export function btreeSize(columns: readonly IndexColumn[], rows: number, together?: number): BtreeSize {
  if (rows < 1) return { pages: 1, height: 0 };
  const keys = columns.filter(({ key }) => key);
  const tuple = averageTuple(columns);
  const mayJoin = keys.length === columns.length && keys.every(({ equalImage }) => equalImage);
  const leaves = mayJoin
    ? joined(keys, tuple, rows, together)
    : { tuples: rows, bytes: rows * (tuple + lineBytes), cut: 0 };
  const bound = averageTuple(keys) + lineBytes;
  let level = Math.ceil(leaves.tuples / perPage(leaves.bytes / leaves.tuples, leafFree, bound, leaves.cut));
  let pages = 1 + level;
  let height = 0;
  while (level > 1) {
    level = Math.ceil(level / perPage(bound, innerFree, bound, 0));
    pages += level;
    height += 1;
  }
  return { pages, height };
}

/**
 * Tuples on a page, as `_bt_buildadd` puts them there: until less than `free` is left, or the next does not fit. The last one
 * goes on to the next page, and without its row pointers stays as the bound.
 */
function perPage(tuple: number, free: number, bound: number, cut: number): number {
  const room = btreePageRoom - lineBytes;
  const untilFull = Math.floor((room - (free - cut)) / tuple) + 1;
  const untilNoRoom = Math.floor((room - 2 * lineBytes) / tuple);
  const fitting = Math.max(2, Math.min(untilFull, untilNoRoom));
  return Math.max(1, fitting - Math.max(1, Math.ceil((fitting * tuple - tuple + bound - room) / tuple) + 1));
}

/** Bytes and tuples where equal keys share one. */
function joined(keys: readonly IndexColumn[], tuple: number, rows: number, together?: number): Leaves {
  const most = Math.max(1, Math.floor((Math.floor(joinedLimit / 8) * 8 - tuple) / pointerBytes));
  const size = (pointers: number): number =>
    pointers <= 1 ? tuple + lineBytes : align8(tuple + pointers * pointerBytes) + lineBytes;
  let bytes = 0;
  let tuples = 0;
  for (const { values, rows: each } of keyGroups(keys, rows, together)) {
    const full = Math.floor(each / most);
    const rest = each - full * most;
    // What is not a whole number is an average: some have one row, some two.
    const last = rest < 2 ? Math.min(1, rest) * size(1) + Math.max(0, rest - 1) * (size(2) - size(1)) : size(rest);
    bytes += values * (full * size(most) + last);
    tuples += values * (full + Math.min(1, rest));
  }
  return { bytes, tuples, cut: Math.max(0, bytes / tuples - lineBytes - tuple) };
}
