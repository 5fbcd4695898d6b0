/** A statement of the workload; its cost counts `weight` times. */
export interface CostedQuery {
  id: string;
  weight: number;
}

/** An index that may be chosen. */
export interface CostedIndex {
  id: string;
  /** Counts against the budget. */
  size: number;
  /** What keeping it costs the workload's writes, in the unit of cost × weight. */
  writeCost: number;
}

/** What a query costs when all of these indexes exist. An empty list: its cost without any. */
export interface CostEntry {
  query: string;
  indexes: readonly string[];
  cost: number;
}

export interface SelectionProblem {
  queries: readonly CostedQuery[];
  indexes: readonly CostedIndex[];
  /** A query takes its cheapest entry whose indexes are all chosen. Every query needs an entry without indexes. */
  costs: readonly CostEntry[];
  /** The sum of the sizes that may be chosen; `Infinity` for no bound. */
  budget: number;
}

export interface Selection {
  /** Ids of the chosen indexes, sorted. */
  selected: readonly string[];
  /** Weighted cost of the workload under them, their write costs included. */
  cost: number;
  /** No choice can cost less than this. */
  bound: number;
  /** (cost − bound) / cost; 0 when the choice is proven to be the best. */
  gap: number;
  seconds: number;
}
