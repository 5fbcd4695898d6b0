import type { HypotheticalIndex } from '../../whatif/index.ts';
import type { Workload } from '../workload/types.ts';
import type { AnalysedStatement, Candidate } from './candidates/types.ts';
import type { IndexPrice } from './choose.ts';
import type { StatementCosts } from './costs/explore.ts';
import { type WriteCost, writeCost } from './costs/write-cost.ts';
import { type WriteRates, writeRates } from './costs/write-rates.ts';
import type { DatabaseModel, TableModel } from './model/types.ts';
import type { Sizes } from './sizes.ts';

/** What is known of every candidate, by its id, and of how its table is written to. */
export interface Prices {
  add(candidates: readonly Candidate[]): void;
  candidate(id: string): Candidate | undefined;
  readonly count: number;
  indexOf(id: string): HypotheticalIndex | undefined;
  priceOf(id: string): IndexPrice;
  upkeep(candidate: Candidate): WriteCost;
  ratesOf(table: TableModel): WriteRates;
}

export function createPrices(
  statements: readonly AnalysedStatement[],
  costs: ReadonlyMap<string, StatementCosts>,
  sizes: Sizes,
  model: DatabaseModel,
  source: Workload['source'],
): Prices {
  const byId = new Map<string, Candidate>();
  const rates = new Map<TableModel, WriteRates>();
  // A file says all there is to say of its workload: the server's counters are of another one.
  const countedHours =
    source === 'file' || model.countedSince === null ? null : (Date.now() - model.countedSince.getTime()) / 3_600_000;
  const ratesOf = (table: TableModel): WriteRates => {
    let known = rates.get(table);
    if (!known) {
      known = writeRates(
        table,
        statements,
        ({ statement }) => costs.get(statement.id)?.base.rowsWritten ?? 1,
        countedHours,
      );
      rates.set(table, known);
    }
    return known;
  };
  const upkeep = (candidate: Candidate): WriteCost =>
    writeCost(candidate, sizes.known(candidate.index.id), ratesOf(candidate.table));
  return {
    ratesOf,
    upkeep,
    get count() {
      return byId.size;
    },
    add(candidates) {
      for (const candidate of candidates) byId.set(candidate.index.id, candidate);
    },
    candidate: (id) => byId.get(id),
    indexOf: (id) => byId.get(id)?.index,
    priceOf(id) {
      const candidate = byId.get(id);
      return { bytes: sizes.known(id), writeCost: candidate ? upkeep(candidate).perHour : 0 };
    },
  };
}
