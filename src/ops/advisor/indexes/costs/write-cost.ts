import type { HypotheticalIndex } from '../../../whatif/index.ts';
import type { TableModel } from '../model/types.ts';
import type { Candidate } from '../candidates/types.ts';
import type { WriteRates } from './write-rates.ts';

/** The planner's settings of which writes are priced, PostgreSQL's defaults. */
const cost = { randomPage: 4, sequentialPage: 1, operator: 0.0025, indexTuple: 0.005 } as const;

/** Comparisons' worth of work per level of a B-tree (selfuncs.c: `DEFAULT_PAGE_CPU_MULTIPLIER`). */
const workPerLevel = 50;
/** Share of the pages a change needs that are not in memory: leaves are hot where a table is written to often. */
const missShare = 0.1;
/** Bytes of WAL beside the tuple: record header, block reference, full-page images spread over a checkpoint's changes. */
const walOverhead = 120;
/** Keys that an entry gives on average: words of a text, elements of an array, paths of a document; trigrams of a text. */
const ginKeys = 12;
const ginTrigrams = 24;
const pageBytes = 8192;

/**
 * What it costs to add one row's entry to an index, in the planner's unit. Going down the tree is priced as the planner prices it
 * (`btcostestimate`: a comparison per level of the binary search, and 50 operators per page on the way), the entry itself
 * as one index tuple read and one written; then the share of a page's random read that a leaf out of memory costs, and the bytes
 * written to the log and later to the table's file, as sequential pages.
 */
export function insertCost(index: Pick<HypotheticalIndex, 'method' | 'keys'>, bytes: number, rows: number): number {
  const tuples = Math.max(rows, 1);
  const pages = Math.max(bytes / pageBytes, 1);
  const tupleBytes = Math.min(Math.max(bytes / tuples, 8), pageBytes / 3);
  const levels = Math.ceil(Math.log(pages) / Math.log(200)) + 1;
  const descent = Math.ceil(Math.log2(tuples + 1)) * cost.operator + levels * workPerLevel * cost.operator;
  const entry = 2 * cost.indexTuple;
  const written = ((tupleBytes + walOverhead) / pageBytes) * 2 * cost.sequentialPage;
  const missed = missShare * cost.randomPage;
  const one = descent + entry + written + missed;
  switch (index.method) {
    case 'gin': {
      const trigrams = index.keys.some(({ operatorClass }) => operatorClass?.endsWith('gin_trgm_ops'));
      // With fastupdate entries are collected first, so that several share a page's visit.
      return one * (trigrams ? ginTrigrams : ginKeys) * 0.5;
    }
    // Several keys of a page are looked at, and all boxes on the way may grow.
    case 'gist':
      return one * 2;
    case 'hash':
      return 2 * workPerLevel * cost.operator + entry + written + missed;
    // Only the first row of a block range and those beyond its summary change anything.
    case 'brin':
      return cost.indexTuple;
    default:
      return one;
  }
}

/** What vacuum pays for each entry of a row that is gone: its share of reading through the index, and of writing its page. */
function removalCost(bytes: number, rows: number): number {
  const tupleBytes = Math.max(bytes / Math.max(rows, 1), 8);
  return cost.indexTuple + (tupleBytes / pageBytes) * 2 * cost.sequentialPage;
}

export interface WriteCost {
  /** Planner's cost per hour. */
  perHour: number;
  /** Of it: what updates cost that can no longer be HOT. */
  lostHot: number;
}

/**
 * What keeping an index costs a table's writes in an hour: an entry for every row that is inserted and for every new version of a
 * row, the removal of every entry that is dead; and where the index holds columns that updates set, those that were HOT before are
 * so no more, and write to every index of the table.
 */
export function writeCost(
  { index, table, columns }: Pick<Candidate, 'index' | 'table' | 'columns'>,
  bytes: number,
  rates: WriteRates,
): WriteCost {
  const { inserts, deletes, updates } = rates;
  const rows = table.rows;
  const insert = insertCost(index, bytes, rows);
  const removal = removalCost(bytes, rows);
  const newlyCold = index.method === 'brin' ? 0 : updates.hotTouching(columns);
  const cold = updates.perHour - updates.hotPerHour + newlyCold;
  const others = existingInsertCost(table);
  const lostHot = newlyCold * (insert + removal + others);
  const perHour = inserts * insert + deletes * removal + cold * (insert + removal) + newlyCold * others;
  return { perHour, lostHot };
}

/** One entry, and its removal, in every index that the table has. */
function existingInsertCost(table: TableModel): number {
  return table.indexes
    .filter(({ valid }) => valid)
    .reduce((sum, { method, bytes, keys }) => {
      const like = {
        method: method as HypotheticalIndex['method'],
        keys: keys.map(({ expression }) => ({ expression })),
      };
      return sum + insertCost(like, bytes, table.rows) + removalCost(bytes, table.rows);
    }, 0);
}
