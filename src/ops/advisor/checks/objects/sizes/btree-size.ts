import type { ColumnStatistics } from './column-statistics.ts';
import { distinctOf } from './column-statistics.ts';
import type { Pages } from './heap-size.ts';
import { align, tupleWidth } from './tuple-width.ts';

const pageHeader = 24;
const special = 16;
const linePointer = 4;
const tid = 6;
/** Pages above the leaves are filled to 70 % (BTREE_NONLEAF_FILLFACTOR). */
const innerFill = 0.7;
/** Above this mean size of a group its spread makes no difference. */
const largeGroup = 40;
/** ANALYZE looks at 300 rows per target; when less than this share of them is different, it has seen every value. */
const seenShare = 0.1;
const sampledRows = 30_000;

export interface BtreeInput {
  /** Rows that the index holds. */
  rows: number;
  /** Key columns in order. */
  keys: readonly ColumnStatistics[];
  /** Columns that are carried along. */
  included: readonly ColumnStatistics[];
  /** The operator classes and the index's settings allow several rows to share one entry. */
  deduplicates: boolean;
  unique: boolean;
  blockSize: number;
  fillFactor: number;
}

/**
 * Pages of a B-tree as CREATE INDEX builds it. Rows with the same key share entries of 10 % of a page at most
 * (deduplication), so how many values are different decides the size; of several columns together that is not known, only
 * between which bounds it lies. Sources: `_bt_buildadd`, `_bt_dedup_save_htid` and `btree/README` of PostgreSQL.
 */
export function btreePages(input: BtreeInput): Pages {
  const { rows, keys, included } = input;
  const width = tupleWidth([...keys, ...included], (hasNulls) => (hasNulls ? 16 : 8));
  const pages = (bytes: number, count: number, distinct: number, common: boolean): number =>
    allPages(leafPages(input, bytes, width.constant, groupsOf(input, count, distinct, common)), bytes, input);
  if (!input.deduplicates || input.unique || included.length > 0) {
    return {
      low: pages(width.mean * (1 - width.error), rows * 0.98, rows, false),
      expected: pages(width.mean, rows, rows, false),
      high: pages(width.mean * (1 + width.error), rows * 1.02, rows, false),
    };
  }
  const [least, likely, most] = distinctBounds(input);
  const single = keys.length === 1;
  return {
    low: pages(width.mean * (1 - width.error), rows * 0.98, least, single),
    expected: pages(width.mean, rows, likely, single),
    high: pages(width.mean * (1 + width.error), rows * 1.02, most, single),
  };
}

/** The least, likely and most different keys. */
function distinctBounds({ rows, keys }: BtreeInput): [number, number, number] {
  const each = keys.map((key) => distinctOf(key, rows));
  const product = Math.min(
    rows,
    each.reduce((sum, distinct) => sum * distinct, 1),
  );
  const largest = Math.max(1, ...each);
  if (keys.length > 1) return [largest, product, product];
  // What is different in a small share of the sample was seen whole; else the estimate may be wrong by a factor.
  const sure = largest >= rows * 0.999 || largest < seenShare * Math.min(rows, sampledRows);
  return sure ? [largest, largest, largest] : [largest / 2, largest, Math.min(rows, largest * 2)];
}

/** So many keys that so many rows have each. */
interface Group {
  keys: number;
  rows: number;
}

function groupsOf({ keys }: BtreeInput, rows: number, distinct: number, common: boolean): Group[] {
  const [key] = keys;
  const groups: Group[] = [];
  let rest = rows;
  let different = distinct;
  if (common && key) {
    const shares = [...(key.nullShare ? [key.nullShare] : []), ...(key.commonShares ?? [])];
    for (const share of shares) groups.push({ keys: 1, rows: share * rows });
    rest -= groups.reduce((sum, group) => sum + group.rows, 0);
    different -= key.commonShares?.length ?? 0;
  }
  if (rest < 1) return groups;
  const size = Math.max(1, rest / Math.max(1, different));
  if (size > largeGroup || size <= 1.001) return [...groups, { keys: rest / size, rows: size }];
  return [...groups, ...spreadGroups(rest / size, size)];
}

/** Keys whose rows are spread by chance: a Poisson distribution without its zero, of this mean. */
function spreadGroups(keys: number, mean: number): Group[] {
  let lambda = mean;
  for (let step = 0; step < 50; step += 1) lambda = mean * (1 - Math.exp(-lambda));
  const groups: Group[] = [];
  let chance = (lambda * Math.exp(-lambda)) / (1 - Math.exp(-lambda));
  for (let rows = 1; rows < mean + 10 * Math.sqrt(mean) + 10; rows += 1) {
    groups.push({ keys: keys * chance, rows });
    chance *= lambda / (rows + 1);
  }
  return groups;
}

function leafPages(
  { blockSize, fillFactor }: BtreeInput,
  bytes: number,
  constant: boolean,
  groups: readonly Group[],
): number {
  const room = blockSize * (fillFactor / 100) - pageHeader - special;
  const single = bytes + linePointer;
  const largestEntry = Math.floor(blockSize / 80) * 8 - linePointer;
  const perEntry = Math.max(1, Math.floor((Math.floor(largestEntry / 8) * 8 - bytes) / tid));
  const entry = (rows: number): number => (rows < 1.5 ? single * rows : align(bytes + tid * rows, 8) + linePointer);
  const total = groups.reduce((sum, { keys, rows }) => {
    const whole = Math.floor(rows / perEntry);
    const rest = rows - whole * perEntry;
    return sum + keys * (whole * entry(perEntry) + (rest > 0 ? entry(rest) : 0));
  }, 0);
  const alone = groups.every(({ rows }) => rows <= 1);
  // Entries of equal size leave the rest of a page empty.
  return total / (alone && constant ? Math.floor(room / single) * single : room);
}

/** With the levels above the leaves and the page that says where the root is. */
function allPages(leaves: number, bytes: number, { blockSize }: BtreeInput): number {
  const fanOut = Math.max(2, ((blockSize - pageHeader - special) * innerFill) / (bytes + linePointer));
  let level = Math.max(1, Math.ceil(leaves));
  let pages = level;
  while (level > 1) {
    level = Math.ceil(level / fanOut);
    pages += level;
  }
  return pages + 1;
}
