import { isWhole } from '../../workload/index.ts';
import type { AnalysedStatement, Candidate } from '../candidates/types.ts';
import { costUnder } from '../choose.ts';
import type { StatementCosts } from '../costs/explore.ts';
import type { Prices } from '../prices.ts';
import type { AdvisedIndex, HelpedStatement } from '../types.ts';
import type { Weights } from '../weights.ts';
import { findingOf } from './finding.ts';
import { indexName } from './names.ts';

export interface ResultInput {
  chosen: readonly string[];
  statements: readonly AnalysedStatement[];
  costs: ReadonlyMap<string, StatementCosts>;
  weights: Weights;
  prices: Prices;
  /** Of the workload without new indexes, in an hour. */
  before: number;
  takenNames: ReadonlySet<string>;
  tellValues: boolean;
}

/** The chosen indexes with what speaks for each, most gain per hour first. */
export function advisedIndexes({ takenNames, ...input }: ResultInput): AdvisedIndex[] {
  const { chosen, prices, weights, before } = input;
  const taken = new Set(takenNames);
  const net = ({ gainPerHour, writeCostPerHour }: AdvisedIndex): number => gainPerHour - writeCostPerHour;
  return chosen
    .flatMap((id) => prices.candidate(id) ?? [])
    .map((candidate): AdvisedIndex => {
      const { index } = candidate;
      const upkeep = prices.upkeep(candidate);
      const { gain, statements } = helpedBy(candidate, input);
      const advised = {
        index,
        name: indexName(index, taken),
        sizeBytes: prices.priceOf(index.id).bytes,
        writeCostPerHour: upkeep.perHour,
        lostHotPerHour: upkeep.lostHot,
        gainPerHour: gain,
        workloadShare: before > 0 ? Math.max(gain - upkeep.perHour, 0) / before : 0,
        msPerHour: weights.msPerCost === null ? null : Math.max(gain - upkeep.perHour, 0) * weights.msPerCost,
        statements,
      };
      return { ...advised, finding: findingOf(candidate, advised, taken) };
    })
    .toSorted((a, b) => net(b) - net(a));
}

/** Statements whose plans use an index with all others of the set in place. What several indexes spare together is shared evenly. */
function helpedBy(
  { index }: Candidate,
  { statements, costs, weights, chosen, tellValues }: Omit<ResultInput, 'takenNames'>,
): { gain: number; statements: HelpedStatement[] } {
  const set = new Set(chosen);
  const helped = statements.flatMap(({ statement }) => {
    const known = costs.get(statement.id);
    const now = known && costUnder(known, set);
    if (!known || !now?.uses.includes(index.id)) return [];
    const { id, text, callsPerHour, meanMs, samples } = statement;
    const gain = ((known.base.cost - now.cost) * (weights.of.get(id) ?? 0)) / now.uses.length;
    const msPerHour = meanMs === null || weights.msPerCost === null ? null : gain * weights.msPerCost;
    return [
      {
        gain,
        statement: {
          id,
          text,
          callsPerHour,
          samples: tellValues ? samples.filter(isWhole) : [],
          costBefore: known.base.cost,
          costAfter: now.cost,
          msPerHour,
        },
      },
    ];
  });
  helped.sort((a, b) => b.gain - a.gain);
  return {
    gain: helped.reduce((sum, { gain }) => sum + gain, 0),
    statements: helped.map(({ statement }) => statement),
  };
}
