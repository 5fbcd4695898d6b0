import { distinctOf, type SizedColumn } from './column.ts';
import { keyGroups } from './groups.ts';
import { align, indexTupleWidth, type TupleWidth } from './tuple-width.ts';

const pageHeader = 24;
const special = 16;
const lineBytes = 4;
const pointerBytes = 6;
/** Of an inner page so much stays free (`BTREE_NONLEAF_FILLFACTOR`). */
const innerFree = 0.3;
/** Row pointers of equal keys are joined into tuples of so much of a page at most (`_bt_load`). */
const largestJoined = 0.1;

export interface BtreeInput {
  /** Rows that the index holds. */
  rows: number;
  /** Key columns in order. */
  keys: readonly SizedColumn[];
  /** Columns that are carried along. */
  included: readonly SizedColumn[];
  /**
   * Rows of equal keys are stored once, with a list of pointers: operator classes and settings of the index allow it, and it is not
   * unique. Where something is carried along they never are.
   */
  joins: boolean;
  /** How many different keys there are, where extended statistics tell. */
  together?: number | undefined;
  blockSize: number;
  /** Percent; 90 unless the index says otherwise. */
  fillFactor: number;
}

export interface BtreeSize {
  pages: number;
  /** Levels above the leaves. */
  height: number;
}

/** Mean tuples of an index: those of its leaves without row pointers, and those that bound its pages. */
interface Tuples {
  leaf: TupleWidth;
  bound: TupleWidth;
}

/** What is on the leaves: tuples, and their bytes with line pointers. */
interface Leaves {
  tuples: number;
  bytes: number;
  /** Bytes of row pointers of an average tuple: what is cut off where it becomes the bound of a page. */
  cut: number;
  /** All of about the same size. */
  constant: boolean;
}

/** How large a B-tree is just after CREATE INDEX. Sources: `_bt_buildadd`, `_bt_load` and `btree/README` of PostgreSQL. */
export function btreeSize(input: BtreeInput): BtreeSize {
  const { keys, included } = input;
  return packed(input, { leaf: indexTupleWidth([...keys, ...included]), bound: indexTupleWidth(keys) });
}

/** So large with tuples of these sizes. */
function packed(input: BtreeInput, { leaf, bound }: Tuples): BtreeSize {
  const { rows, included, joins, blockSize, fillFactor } = input;
  if (rows < 1) return { pages: 1, height: 0 };
  const leaves =
    joins && included.length === 0
      ? joined(input, leaf)
      : { tuples: rows, bytes: rows * (leaf.mean + lineBytes), cut: 0, constant: leaf.constant };
  const high = bound.mean + lineBytes;
  const leafFree = Math.floor((blockSize * (100 - fillFactor)) / 100);
  const perLeaf = perPage(blockSize, { tuple: leaves.bytes / leaves.tuples, free: leafFree, bound: high, ...leaves });
  const perInner = perPage(blockSize, {
    tuple: high,
    free: Math.floor(blockSize * innerFree),
    bound: high,
    cut: 0,
    constant: bound.constant,
  });
  let level = Math.ceil(leaves.tuples / perLeaf);
  let pages = 1 + level;
  let height = 0;
  while (level > 1) {
    level = Math.ceil(level / perInner);
    pages += level;
    height += 1;
  }
  return { pages, height };
}

interface Filling {
  /** Bytes of a tuple with its line pointer. */
  tuple: number;
  free: number;
  bound: number;
  cut: number;
  constant: boolean;
}

/**
 * Tuples on a page, as `_bt_buildadd` puts them there: until less than `free` is left, or the next does not fit. The last one
 * goes on to the next page, and without its row pointers stays as the bound.
 */
function perPage(blockSize: number, { tuple, free, bound, cut, constant }: Filling): number {
  const room = blockSize - pageHeader - special - lineBytes;
  // Tuples of different sizes pass the mark by half of one in the mean.
  const whole = (count: number): number => (constant ? Math.floor(count) : count - 0.5);
  const untilFull = whole((room - (free - cut)) / tuple) + 1;
  const untilNoRoom = whole((room - 2 * lineBytes) / tuple);
  const fitting = Math.max(2, Math.min(untilFull, untilNoRoom));
  return Math.max(1, fitting - Math.max(1, Math.ceil((fitting * tuple - tuple + bound - room) / tuple) + 1));
}

/** Bytes and tuples where equal keys share one. */
function joined({ rows, keys, together, blockSize }: BtreeInput, { mean: tuple, constant }: TupleWidth): Leaves {
  const limit = Math.floor((blockSize * largestJoined) / 8) * 8 - lineBytes;
  const most = Math.max(1, Math.floor((Math.floor(limit / 8) * 8 - tuple) / pointerBytes));
  const size = (pointers: number): number =>
    pointers <= 1 ? tuple + lineBytes : align(tuple + pointers * pointerBytes, 8) + lineBytes;
  let bytes = 0;
  let tuples = 0;
  let alone = true;
  let fullBytes = 0;
  for (const { values, rows: each } of keyGroups(keys, rows, together)) {
    const full = Math.floor(each / most);
    const rest = each - full * most;
    // What is not a whole number is an average: some have one row, some two.
    const last = rest < 2 ? Math.min(1, rest) * size(1) + Math.max(0, rest - 1) * (size(2) - size(1)) : size(rest);
    fullBytes += values * full * size(most);
    bytes += values * (full * size(most) + last);
    tuples += values * (full + Math.min(1, rest));
    alone &&= each <= 1;
  }
  // With many rows for each key nearly all tuples are as large as they may be.
  const even = (constant && alone) || fullBytes > bytes * 0.9;
  return { bytes, tuples, cut: Math.max(0, bytes / tuples - lineBytes - tuple), constant: even };
}

/** ANALYZE looks at 300 rows per target; when less than this share of them is different, it has seen every value. */
const seenShare = 0.1;
const sampledRows = 30_000;

/** Pages that something would take if it were built anew, and between which bounds that is certain. */
export interface PageBounds {
  low: number;
  expected: number;
  high: number;
}

/**
 * Between which bounds the pages of a B-tree lie that was just built: widths and rows may be somewhat wrong, and how many keys
 * are different is a guess from a sample, of several columns together hardly more than that.
 */
export function btreeBounds(input: BtreeInput): PageBounds {
  const { keys, included, rows } = input;
  const leaf = indexTupleWidth([...keys, ...included]);
  const bound = indexTupleWidth(keys);
  const scaled = (by: number): Tuples => ({
    leaf: { ...leaf, mean: leaf.mean * (1 + by * leaf.error) },
    bound: { ...bound, mean: bound.mean * (1 + by * leaf.error) },
  });
  const { least, most } = distinctBounds(input);
  return {
    low: packed({ ...input, ...least, rows: rows * 0.98 }, scaled(-1)).pages,
    expected: packed(input, { leaf, bound }).pages,
    high: packed({ ...input, ...most, rows: rows * 1.02 }, scaled(1)).pages,
  };
}

type Distinct = Pick<BtreeInput, 'keys' | 'together'>;

/** With the fewest and the most different keys that there may be. */
function distinctBounds({ rows, keys, together }: BtreeInput): { least: Distinct; most: Distinct } {
  const each = keys.map((key) => distinctOf(key, rows));
  const largest = Math.max(1, ...each);
  const [key] = keys;
  if (key === undefined || keys.length > 1) return { least: { keys, together: largest }, most: { keys, together } };
  // What is different in a small share of the sample was seen whole; else the estimate may be wrong by a factor.
  const sure = largest >= rows * 0.999 || largest < seenShare * Math.min(rows, sampledRows);
  if (sure) return { least: { keys }, most: { keys } };
  const taken = (distinct: number): Distinct => ({ keys: [{ ...key, distinct: Math.min(rows, distinct) }] });
  return { least: taken(largest / 2), most: taken(largest * 2) };
}
