import type { ColumnModel, TableModel } from '../model/types.ts';
import { readableIdentifier } from '../../../../sql/index.ts';
import type { Candidate } from '../candidates/types.ts';
import type { WriteRates } from './write-rates.ts';

/** The planner's settings of which writes are priced: PostgreSQL's defaults. */
const cost = { randomPage: 4, sequentialPage: 1, operator: 0.0025, indexTuple: 0.005 } as const;

/** Comparisons' worth of work per level of a B-tree (selfuncs.c: `DEFAULT_PAGE_CPU_MULTIPLIER`). */
const workPerLevel = 50;
/** A leaf that is changed is read as the planner reads one, and for half of them written once more by itself. */
const leafVisit = 1.5;
/** Bytes of WAL beside the tuple: record header, block reference, its share of full-page images. */
const walOverhead = 120;
/** What placing one of a row's several keys costs in GIN, the pending list's cleaning included; of trigrams, which are short. */
const ginKey = 2.2;
const ginTrigram = 0.85;
const pageBytes = 8192;

/** What is known of an index and of what it indexes, to price its entries. */
export interface PricedIndex {
  method: string;
  operatorClass?: string | undefined;
  bytes: number;
  rows: number;
  /** The first key's column; `undefined` for an expression. */
  column: ColumnModel | undefined;
}

/**
 * What it costs to add one row's entry to an index, in the planner's unit. A B-tree is gone down as the planner prices it
 * (`btcostestimate`: a comparison per step of the binary search, 50 operators per page on the way), the entry is one tuple read and
 * one written, its bytes go to the log and the file. Where rows do not come in the key's order, each changes another leaf, at the price
 * of a random page.
 */
export function insertCost(index: PricedIndex): number {
  const { method, bytes, rows, column } = index;
  const tuples = Math.max(rows, 1);
  const pages = Math.max(bytes / pageBytes, 1);
  const tupleBytes = Math.min(Math.max(bytes / tuples, 8), pageBytes / 3);
  const levels = Math.ceil(Math.log(pages) / Math.log(200)) + 1;
  const descent = Math.ceil(Math.log2(tuples + 1)) * cost.operator + levels * workPerLevel * cost.operator;
  const entry = 2 * cost.indexTuple + ((tupleBytes + walOverhead) / pageBytes) * 2 * cost.sequentialPage;
  const leaf = cost.randomPage * leafVisit;
  switch (method) {
    case 'gin':
      return entry + ginKeys(index) * (isTrigram(index) ? ginTrigram : ginKey);
    // All pages whose boxes might take it are looked at; signatures of trigrams are long.
    case 'gist':
    case 'spgist':
      return descent + entry + leaf * (isTrigram(index) ? 7 : 2);
    case 'hash':
      return 2 * workPerLevel * cost.operator + entry + cost.randomPage;
    // Only the summary of the last block range changes.
    case 'brin':
      return cost.randomPage / 10;
    default:
      return descent + entry + leaf * scatter(column, pages);
  }
}

/** Share of the entries that change a leaf of their own: fewer where rows come in order, or values are few. */
function scatter(column: ColumnModel | undefined, pages: number): number {
  const statistics = column?.statistics;
  if (!statistics) return 1;
  const unordered = 1 - Math.abs(statistics.correlation ?? 0);
  return unordered * Math.min(statistics.distinct / pages, 1);
}

function isTrigram({ operatorClass }: PricedIndex): boolean {
  return operatorClass?.endsWith('_trgm_ops') ?? false;
}

/** How many keys a row has: trigrams of a text, keys and values of a document, elements of an array, words of a vector. */
function ginKeys(index: PricedIndex): number {
  const { column, operatorClass } = index;
  const width = column?.statistics?.width ?? 64;
  if (isTrigram(index)) return width;
  const perKey = column?.baseType === 'jsonb' ? (operatorClass === 'jsonb_path_ops' ? 20 : 10) : 20;
  return Math.max(width / perKey, 1);
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
  const [first] = index.keys;
  const column = table.columns.find(({ name }) => readableIdentifier(name) === first?.expression);
  const { method } = index;
  const insert = insertCost({ method, operatorClass: first?.operatorClass, bytes, rows, column });
  const removal = removalCost(bytes, rows);
  const newlyCold = method === 'brin' ? 0 : updates.hotTouching(columns);
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
    .reduce((sum, { method, bytes, keys: [first] }) => {
      const column = table.columns.find(({ name }) => name === first?.column);
      const one = insertCost({ method, operatorClass: first?.operatorClass, bytes, rows: table.rows, column });
      return sum + one + removalCost(bytes, table.rows);
    }, 0);
}
