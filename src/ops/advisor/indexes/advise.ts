import { analyse, foreignKeyChecks } from './analyse.ts';
import { candidatesOf } from './candidates/generate.ts';
import { type AnalysedStatement, candidateLimits } from './candidates/types.ts';
import { selectionProblem, usedOf, workloadCost } from './choose.ts';
import { createPricer } from './costs/price.ts';
import { costMatrix, type Matrix } from './costs/matrix.ts';
import { confirmDrops } from './drops.ts';
import { readModel } from './model/read-model.ts';
import { createPrices } from './prices.ts';
import { merged } from './refine.ts';
import { type Relevant, relevantOf } from './relevance.ts';
import { definitionOf } from './report/finding.ts';
import { advisedIndexes } from './report/result.ts';
import { createSizes } from './sizes.ts';
import { withTypicalValues } from './typical-values.ts';
import type { AdviceLimits, AdviceProgress, AdviseOptions, IndexAdvice } from './types.ts';
import { weightsOf } from './weights.ts';

const adviceLimits: AdviceLimits = Object.freeze({
  ...candidateLimits,
  plansPerStatement: 40,
  samples: 3,
  leastGain: 0.01,
  leastShare: 0.001,
  sizeShare: 0.02,
  planningSeconds: 300,
  candidatesPerStatement: 50,
});

/** Of the time for planning, what is left behind it is for the chosen indexes. */
const firstShare = 0.75;

/**
 * Advises the set of indexes that serves a workload best: finds candidates, lets the planner price them, weighs what they cost
 * to keep, and has the set chosen; then looks whether wider indexes do the work of several, and has it chosen again.
 * Nothing is changed on the database.
 * @throws {PitcrewError} what reading the catalog or the backend throws; `AbortError` when the signal fires.
 */
export async function adviseIndexes(options: AdviseOptions): Promise<IndexAdvice> {
  const { connection, profile, whatIf, workload, signal, budgetBytes = Infinity } = options;
  const began = performance.now();
  const limits: AdviceLimits = { ...adviceLimits, ...options.limits };
  const progress = (phase: AdviceProgress['phase'], done: number, total: number): void => {
    signal?.throwIfAborted();
    options.onProgress?.({ phase, done, total });
  };
  progress('reading', 0, 1);
  const dropped = (options.drops ?? []).flatMap(({ subject }) => subject.table ?? []);
  const model = await readModel(connection, profile, workload.statements, dropped);
  const analysis = analyse(workload, model, connection.user);
  const statements = await withTypicalValues(
    connection,
    byTime([...analysis.statements, ...foreignKeyChecks(analysis, model)]),
  );
  const candidates = candidatesOf(statements, model, limits);
  const sizes = createSizes(whatIf, ({ index }) => `an index on ${index.table} ${definitionOf(index)}`);
  const price = createPricer(whatIf, limits.samples);
  /** @param until which share of the time may be used. */
  const plan = (round: {
    phase: AdviceProgress['phase'];
    statements: readonly AnalysedStatement[];
    relevant: Relevant;
    until: number;
  }): Promise<Matrix> =>
    costMatrix({
      statements: round.statements,
      candidatesFor: (statement) => sizes.possible(round.relevant(statement)),
      price,
      limits,
      deadline: began + limits.planningSeconds * 1000 * round.until,
      onProgress: (done) => progress(round.phase, done, round.statements.length),
      signal,
    });

  const all = [...candidates.byId.values()];
  const { costs, leftOut, ...first } = await plan({
    phase: 'planning',
    statements,
    relevant: relevantOf(all, candidates.ofStatement, limits.candidatesPerStatement),
    until: firstShare,
  });
  const weights = weightsOf(statements, costs);
  const prices = createPrices(statements, costs, sizes, model, workload.source);
  prices.add(all);
  const tableBytes = [...model.tables.values()].reduce((sum, { pages }) => sum + pages * profile.blockSize, 0);
  const choose = async () => {
    progress('choosing', 0, 1);
    return options.selectIndexes(
      selectionProblem({ ...prices, ...limits, costs, weights, budget: budgetBytes, tableBytes }),
    );
  };
  let selection = await choose();

  // What was chosen may do for statements that were not planned with it, and wider indexes may do the work of several.
  const kept = usedOf(selection, costs).flatMap((id) => prices.candidate(id) ?? []);
  let plans = first.plans;
  if (kept.length > 0) {
    const some = [...kept, ...merged(kept)];
    prices.add(some);
    const second = await plan({
      phase: 'refining',
      statements: statements.filter(({ statement }) => (costs.get(statement.id)?.entries.length ?? 0) > 0),
      relevant: relevantOf(some, new Map(), limits.candidatesPerStatement),
      until: 1,
    });
    plans += second.plans;
    addEntries(costs, second.costs);
    selection = await choose();
  }

  const chosen = usedOf(selection, costs);
  const before = workloadCost(costs, weights, new Set());
  const upkeep = chosen.reduce((sum, id) => sum + prices.priceOf(id).writeCost, 0);
  const after = workloadCost(costs, weights, new Set(chosen)) + upkeep;
  const { takenNames } = model;
  const { tellValues = false } = options;
  const indexes = advisedIndexes({ chosen, statements, costs, weights, prices, before, takenNames, tellValues });
  const drops = await confirmDrops(options.drops ?? [], {
    statements,
    costs,
    model,
    price,
    ratesOf: prices.ratesOf,
    limits,
    signal,
  });
  const toMs = (cost: number): number => cost * (weights.msPerCost ?? 0);
  return {
    indexes,
    drops,
    findings: [
      ...indexes.map(({ finding }) => finding),
      ...drops.filter(({ confirmed }) => confirmed).map(({ finding }) => finding),
    ],
    cost: { before, after, bound: Math.min(selection.bound, after), gap: selection.gap },
    msPerHour: weights.msPerCost === null ? null : { before: toMs(before), after: toMs(after) },
    budgetBytes: Number.isFinite(budgetBytes) ? budgetBytes : null,
    sizeBytes: indexes.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    statements: {
      planned: costs.size,
      partly: [...costs.values()].filter(({ complete }) => !complete).length,
      improved: new Set(indexes.flatMap((each) => each.statements.map(({ id }) => id))).size,
    },
    candidates: prices.count,
    plans,
    seconds: (performance.now() - began) / 1000,
    gaps: [...whatIf.gaps, ...model.gaps],
    leftOut: [...workload.leftOut, ...analysis.leftOut, ...leftOut, ...sizes.refused],
  };
}

/** Most time first, so that planning has dealt with what matters when its time is over. */
function byTime(statements: readonly AnalysedStatement[]): AnalysedStatement[] {
  const time = ({ statement }: AnalysedStatement): number => statement.callsPerHour * (statement.meanMs ?? 1);
  return statements.toSorted((a, b) => time(b) - time(a));
}

function addEntries(costs: Matrix['costs'], more: Matrix['costs']): void {
  for (const [id, { entries }] of more) {
    const known = costs.get(id);
    if (!known) continue;
    const together = [...known.entries, ...entries].toSorted((a, b) => a.cost - b.cost);
    costs.set(id, { ...known, entries: together });
  }
}
