import type { CostedIndex, CostedQuery, CostEntry, SelectionProblem } from '../../../src/ops/advisor/index.ts';

/** A cost matrix without a budget. */
export type Matrix = Omit<SelectionProblem, 'budget'>;

export interface MatrixShape {
  queries: number;
  indexes: number;
  /** Cost entries in all, about. */
  entries: number;
  /** Indexes of one entry at most. */
  width: number;
  /** Tables over which the indexes are spread. */
  tables: number;
  /** Tables of one query at most. */
  joined: number;
  /** Exponent of the weights' Zipf distribution; 0: all weigh the same. */
  skew: number;
  /**
   * `planner`: what an index saves follows from its columns, as with a planner. `random`: it is drawn for each query, and combinations
   * do not add up, so that every query wants something else: harder than life.
   */
  savings: 'planner' | 'random';
  /** `density`: all indexes bring nearly the same for their size, which leaves a solver the least to go by. */
  sizes: 'tables' | 'density';
  /** Share of what indexes save that keeping them costs, about; 0 for a workload that does not write. */
  writes: number;
  /** Also indexes of a query's tables that do not serve it have entries, as where all pairs were tried. */
  idle?: boolean;
  seed: number;
}

interface Table {
  pages: number;
  /** Share of the rows that a condition on each column leaves, about. */
  selectivity: number[];
}

interface Index {
  table: number;
  columns: number[];
}

/**
 * A matrix as an advisor makes it: each query joins some tables, each table has indexes that serve some queries more or less, and
 * an entry combines indexes of several of the query's tables. The same for the same seed.
 */
export function makeMatrix(shape: MatrixShape): Matrix {
  const random = randomFrom(shape.seed);
  const tables: Table[] = Array.from({ length: shape.tables }, () => ({
    pages: Math.round(10 ** (2 + random() * 4)),
    selectivity: Array.from({ length: 6 + Math.floor(random() * 10) }, () => 10 ** -(random() ** 1.5 * 5)),
  }));
  const made = Array.from({ length: shape.indexes }, (_, number): Index => {
    const table = number % shape.tables;
    return {
      table,
      columns: pick(random, tables[table]?.selectivity.length ?? 1, 1 + Math.floor(random() ** 1.5 * 4)),
    };
  });
  const indexes: CostedIndex[] = made.map(({ table, columns }, number) => {
    const bytes = (tables[table]?.pages ?? 1) * 8192 * (0.08 + 0.07 * columns.length + 0.05 * random());
    return { id: `i${number}`, size: Math.round(bytes), writeCost: 0 };
  });
  const byTable = tables.map((_, table) => made.flatMap((each, number) => (each.table === table ? [number] : [])));
  const queries: CostedQuery[] = [];
  const costs: CostEntry[] = [];
  const perQuery = Math.ceil(shape.entries / shape.queries);
  for (let number = 0; number < shape.queries; number++) {
    const query = `q${number}`;
    queries.push({ id: query, weight: Math.round((10_000 / (number + 1) ** shape.skew) * (0.5 + random())) });
    const joined = pick(random, shape.tables, 1 + Math.floor(random() * shape.joined));
    const base = joined.reduce((sum, table) => sum + (tables[table]?.pages ?? 0) * (0.8 + random()), 10);
    costs.push({ query, indexes: [], cost: round(base) });
    const useful = joined.map((table) =>
      shape.savings === 'random'
        ? drawnSavings(random, byTable[table] ?? [], (tables[table]?.pages ?? 0) / base)
        : plannedSavings(random, byTable[table] ?? [], made, tables[table], base, shape.idle),
    );
    for (const set of combinations(random, useful, perQuery - 1, shape)) {
      costs.push({
        query,
        indexes: set.map(({ index }) => `i${index}`),
        cost: round(base * leftOf(random, set, shape)),
      });
    }
  }
  const matrix = { queries, indexes, costs };
  const gains = largestGains(matrix);
  const sized = shape.sizes === 'density' ? indexes.map((each) => nearDensity(random, each, gains)) : indexes;
  const priced = sized.map((each) => ({
    ...each,
    writeCost: round((gains.get(each.id) ?? 0) * shape.writes * random() * 2),
  }));
  return { ...matrix, indexes: priced };
}

/** The share of a query's cost that is left under a set of indexes. */
function leftOf(random: () => number, set: readonly Useful[], { savings }: MatrixShape): number {
  if (savings === 'planner') {
    const saved = set.reduce((sum, { share }) => sum + share, 0);
    // What indexes of several tables save adds up, unless another way to join becomes the cheapest.
    return Math.max(0.001, 1 - saved * (set.length > 1 && random() < 0.1 ? 0.9 + random() * 0.15 : 1));
  }
  const saved = 1 - set.reduce((left, { share }) => left * (1 - share), 1);
  return 1 - saved * (set.length > 1 ? 0.75 + random() * 0.25 : 1);
}

interface Useful {
  index: number;
  /** Of the query's cost, what the index alone takes away. */
  share: number;
}

/** Some of a table's indexes serve a query, most of them about as well as each other. */
function drawnSavings(random: () => number, indexes: readonly number[], share: number): Useful[] {
  const most = Math.min(indexes.length, 4 + Math.floor(random() * 24));
  const best = 0.4 + random() * 0.6;
  return pick(random, indexes.length, most).map((at) => ({
    index: indexes[at] ?? 0,
    share: Math.min(0.98, share) * best * (1 - random() ** 2 * 0.6),
  }));
}

/** What an index saves whose first columns are among those on which the query has conditions; more where it has all that it reads. */
function plannedSavings(
  random: () => number,
  indexes: readonly number[],
  made: readonly Index[],
  table: Table | undefined,
  base: number,
  idle = false,
): Useful[] {
  const { pages, selectivity } = table ?? { pages: 0, selectivity: [] };
  const columns = pick(random, selectivity.length, 1 + Math.floor(random() * 4));
  const conditions = new Map(columns.map((column) => [column, (selectivity[column] ?? 1) * 10 ** (random() - 0.5)]));
  const read = new Set([...columns, ...pick(random, selectivity.length, Math.floor(random() * 3))]);
  return indexes.flatMap((index) => {
    const keys = made[index]?.columns ?? [];
    const first = keys.findIndex((column) => !conditions.has(column));
    const used = first < 0 ? keys : keys.slice(0, first);
    const fetched = used.reduce((share, column) => share * Math.min(1, conditions.get(column) ?? 1), 1);
    const covering = [...read].every((column) => keys.includes(column));
    const cost = pages * Math.min(1, fetched * (covering ? 0.2 : 4)) + 4;
    if (cost < pages * 0.95) return [{ index, share: (pages - cost) / base }];
    return idle ? [{ index, share: 0 }] : [];
  });
}

/** Each index alone, then combinations with at most one index of a table, the better ones more often, each set once. */
function combinations(
  random: () => number,
  useful: Useful[][],
  most: number,
  { width, savings }: MatrixShape,
): Useful[][] {
  const lists = useful.filter(({ length }) => length > 0).map((list) => list.toSorted((a, b) => b.share - a.share));
  const sets = lists.flat().map((each) => [each]);
  const known = new Set(sets.map(keyOf));
  const bias = savings === 'planner' ? 2 : 1;
  for (let attempt = 0; attempt < most * 4 && sets.length < most; attempt++) {
    const size = Math.min(2 + Math.floor(random() * (width - 1)), lists.length);
    const chosen = pick(random, lists.length, size).flatMap((at) => {
      const list = lists[at] ?? [];
      const each = list[Math.floor(random() ** bias * list.length)];
      return each ? [each] : [];
    });
    const key = keyOf(chosen);
    if (chosen.length < 2 || known.has(key)) continue;
    known.add(key);
    sets.push(chosen);
  }
  return sets.slice(0, Math.max(most, 1));
}

const keyOf = (set: readonly Useful[]): string =>
  set
    .map(({ index }) => index)
    .toSorted((a, b) => a - b)
    .join();

/** Per index the sum over all queries of what its best entry saves, shared among the entry's indexes. */
function largestGains({ queries, costs }: Matrix): Map<string, number> {
  const weights = new Map(queries.map(({ id, weight }) => [id, weight]));
  const bases = new Map(costs.flatMap(({ query, indexes, cost }) => (indexes.length === 0 ? [[query, cost]] : [])));
  const best = new Map<string, Map<string, number>>();
  for (const { query, indexes, cost } of costs) {
    const saved = (((bases.get(query) ?? cost) - cost) * (weights.get(query) ?? 0)) / Math.max(1, indexes.length);
    for (const index of indexes) {
      const ofIndex = best.get(index) ?? new Map<string, number>();
      ofIndex.set(query, Math.max(ofIndex.get(query) ?? 0, saved));
      best.set(index, ofIndex);
    }
  }
  return new Map([...best].map(([index, saved]) => [index, [...saved.values()].reduce((sum, each) => sum + each, 0)]));
}

function nearDensity(random: () => number, index: CostedIndex, gains: Map<string, number>): CostedIndex {
  return { ...index, size: Math.max(1, Math.round(((gains.get(index.id) ?? 0) / 1000) * (0.97 + random() * 0.06))) };
}

/** Different numbers below `below`, in random order. */
function pick(random: () => number, below: number, count: number): number[] {
  const all = Array.from({ length: below }, (_, number) => number);
  for (let at = 0; at < Math.min(count, below); at++) {
    const other = at + Math.floor(random() * (below - at));
    [all[at], all[other]] = [all[other] ?? 0, all[at] ?? 0];
  }
  return all.slice(0, Math.min(count, below));
}

const round = (value: number): number => Math.round(value * 100) / 100;

/** Numbers from 0 to 1 (Mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
