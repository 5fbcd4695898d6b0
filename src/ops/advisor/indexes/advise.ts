import { analyse, foreignKeyChecks } from './analyse.ts';
import { plainExpression } from './candidates/definition.ts';
import { candidatesOf } from './candidates/generate.ts';
import { type AnalysedStatement, type Candidate, candidateLimits } from './candidates/types.ts';
import { costUnder, type IndexPrice, selectionProblem, usedOf } from './choose.ts';
import { createPricer } from './costs/explore.ts';
import { costMatrix, type Matrix } from './costs/matrix.ts';
import { type WriteCost, writeCost } from './costs/write-cost.ts';
import { type WriteRates, writeRates } from './costs/write-rates.ts';
import { confirmDrops } from './drops.ts';
import { readModel } from './model/read-model.ts';
import type { TableModel } from './model/types.ts';
import { merged } from './refine.ts';
import { definitionOf, findingOf } from './report/finding.ts';
import { indexName } from './report/names.ts';
import { createSizes } from './sizes.ts';
import type {
  AdvisedIndex,
  AdviceLimits,
  AdviceProgress,
  AdviseOptions,
  HelpedStatement,
  IndexAdvice,
} from './types.ts';
import { type Weights, weightsOf } from './weights.ts';

export const adviceLimits: AdviceLimits = Object.freeze({
  ...candidateLimits,
  plansPerStatement: 60,
  samples: 3,
  leastGain: 0.01,
  planningSeconds: 300,
  candidatesPerStatement: 60,
});

/**
 * Advises the set of indexes that serves a workload best: finds candidates, lets the planner price them, weighs what they cost
 * to keep, and has the set chosen. Nothing is changed on the database.
 * @throws {PitcrewError} what reading the catalog or the backend throws; `AbortError` when the signal fires.
 */
export async function adviseIndexes(options: AdviseOptions): Promise<IndexAdvice> {
  const { connection, profile, whatIf, workload, selectIndexes, signal, budgetBytes = Infinity } = options;
  const began = performance.now();
  const limits: AdviceLimits = { ...adviceLimits, ...options.limits };
  const progress = (phase: AdviceProgress['phase'], done: number, total: number): void => {
    signal?.throwIfAborted();
    options.onProgress?.({ phase, done, total });
  };
  progress('reading', 0, 1);
  const model = await readModel(connection, profile, workload.statements);
  const analysis = analyse(workload, model, connection.user);
  const statements = [...analysis.statements, ...foreignKeyChecks(analysis, model)].toSorted(
    (a, b) => timeOf(b) - timeOf(a),
  );
  const candidates = candidatesOf(statements, model, limits);
  const sizes = createSizes(whatIf, ({ index }) => `an index on ${index.table} ${definitionOf(index)}`);
  const byId = new Map(candidates.byId);
  const price = createPricer(whatIf, limits.samples);
  const deadline = began + limits.planningSeconds * 1000;

  const round = async (
    phase: AdviceProgress['phase'],
    some: readonly AnalysedStatement[],
    relevant: (statement: AnalysedStatement) => readonly Candidate[],
  ): Promise<Matrix> => {
    const usable = new Map<string, Candidate[]>();
    for (const each of some) {
      const able: Candidate[] = [];
      for (const one of relevant(each)) {
        signal?.throwIfAborted();
        if ((await sizes.of(one)) !== undefined) able.push(one);
      }
      usable.set(each.statement.id, able);
    }
    return costMatrix({
      statements: some,
      candidatesFor: ({ statement }) => (usable.get(statement.id) ?? []).map(({ index }) => index),
      price,
      limits,
      deadline,
      onStatement: (done) => progress(phase, done, some.length),
      signal,
    });
  };

  const all = [...candidates.byId.values()];
  const first = await round('planning', statements, (statement) =>
    relevantTo(statement, all, candidates.ofStatement.get(statement.statement.id) ?? new Set(), limits),
  );
  const { costs } = first;
  const weights = weightsOf(statements, costs);
  const countedHours =
    workload.source === 'file' || model.countedSince === null
      ? null
      : (Date.now() - model.countedSince.getTime()) / 3_600_000;
  const rates = new Map<TableModel, WriteRates>();
  const ratesOf = (table: TableModel): WriteRates => {
    const known =
      rates.get(table) ??
      writeRates(table, statements, ({ statement }) => costs.get(statement.id)?.base.rowsWritten ?? 1, countedHours);
    rates.set(table, known);
    return known;
  };
  const upkeep = (candidate: Candidate): WriteCost =>
    writeCost(candidate, sizes.known(candidate.index.id), ratesOf(candidate.table));
  const priceOf = (id: string): IndexPrice => {
    const candidate = byId.get(id);
    return { bytes: sizes.known(id), writeCost: candidate ? upkeep(candidate).perHour : 0 };
  };
  const choose = async () => {
    progress('choosing', 0, 1);
    return selectIndexes(selectionProblem(costs, weights, priceOf, budgetBytes));
  };
  let selection = await choose();
  const wider = merged(usedOf(selection, costs).flatMap((id) => byId.get(id) ?? []));
  let plans = first.plans;
  if (wider.length > 0) {
    for (const one of wider) byId.set(one.index.id, one);
    const chosen = usedOf(selection, costs).flatMap((id) => byId.get(id) ?? []);
    const affected = statements.filter(
      ({ statement, uses }) =>
        costs.has(statement.id) && uses.some(({ table }) => wider.some((one) => one.table === table)),
    );
    const second = await round('refining', affected, (statement) =>
      relevantTo(statement, [...chosen, ...wider], new Set(), limits),
    );
    plans += second.plans;
    for (const [id, more] of second.costs) {
      const known = costs.get(id);
      if (known)
        costs.set(id, { ...known, entries: [...known.entries, ...more.entries].toSorted((a, b) => a.cost - b.cost) });
    }
    selection = await choose();
  }
  const chosen = usedOf(selection, costs);
  const before = total(costs, weights, () => true, new Set());
  const upkeepOf = chosen.reduce((sum, id) => sum + priceOf(id).writeCost, 0);
  const after = total(costs, weights, () => true, new Set(chosen)) + upkeepOf;
  const taken = new Set(model.takenNames);
  const indexes = chosen
    .flatMap((id) => byId.get(id) ?? [])
    .map((candidate) => {
      const cost = upkeep(candidate);
      const helped = helpedBy(candidate, statements, costs, weights, new Set(chosen));
      const advised = {
        index: candidate.index,
        name: indexName(candidate.index, taken),
        sizeBytes: sizes.known(candidate.index.id),
        writeCostPerHour: cost.perHour,
        lostHotPerHour: cost.lostHot,
        gainPerHour: helped.gain,
        workloadShare: before > 0 ? Math.max(helped.gain - cost.perHour, 0) / before : 0,
        msPerHour: weights.msPerCost === null ? null : helped.gain * weights.msPerCost,
        statements: helped.statements,
      };
      return { ...advised, finding: findingOf(candidate, advised, taken) };
    })
    .toSorted((a, b) => b.gainPerHour - b.writeCostPerHour - (a.gainPerHour - a.writeCostPerHour));
  const drops = await confirmDrops(options.drops ?? [], { statements, costs, model, whatIf, ratesOf, limits, signal });
  return {
    indexes,
    drops,
    findings: [
      ...indexes.map(({ finding }) => finding),
      ...drops.filter(({ confirmed }) => confirmed).map(({ finding }) => finding),
    ],
    cost: { before, after, bound: Math.min(selection.bound, after), gap: selection.gap },
    msPerHour:
      weights.msPerCost === null ? null : { before: before * weights.msPerCost, after: after * weights.msPerCost },
    budgetBytes: Number.isFinite(budgetBytes) ? budgetBytes : null,
    sizeBytes: indexes.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    statements: {
      planned: costs.size,
      improved: new Set(indexes.flatMap((each) => each.statements.map(({ id }) => id))).size,
    },
    candidates: byId.size,
    plans,
    seconds: (performance.now() - began) / 1000,
    gaps: [...whatIf.gaps, ...model.gaps],
    leftOut: [...workload.leftOut, ...analysis.leftOut, ...first.leftOut, ...sizes.refused],
  };
}

function timeOf({ statement }: AnalysedStatement): number {
  return statement.callsPerHour * (statement.meanMs ?? 1);
}

/**
 * A statement's own candidates, then those of others that begin with something that it asks for as well, so that one index may serve
 * both.
 */
function relevantTo(
  { uses }: AnalysedStatement,
  all: readonly Candidate[],
  own: ReadonlySet<string>,
  limits: AdviceLimits,
): Candidate[] {
  const asked = new Set<string>();
  const constants = new Set<string>();
  for (const { use, table } of uses) {
    const conditions = [use.conditions, ...use.alternatives].flat();
    const orders = [...use.orders.flat(), ...use.extremes];
    for (const { operand } of [...conditions, ...orders]) asked.add(`${table.oid} ${plainExpression(operand.sql)}`);
    for (const { sql } of use.groups.flat()) asked.add(`${table.oid} ${plainExpression(sql)}`);
    for (const { constant } of conditions) if (constant !== undefined) constants.add(`${table.oid} ${constant}`);
  }
  const serves = ({ index, table }: Candidate): boolean =>
    asked.has(`${table.oid} ${plainExpression(index.keys[0]?.expression ?? '')}`) &&
    (index.where === undefined || constants.has(`${table.oid} ${index.where}`));
  const others = all.filter((candidate) => !own.has(candidate.index.id) && serves(candidate));
  return [...all.filter(({ index }) => own.has(index.id)), ...others].slice(0, limits.candidatesPerStatement);
}

function total(
  costs: Matrix['costs'],
  weights: Weights,
  counts: (id: string) => boolean,
  chosen: ReadonlySet<string>,
): number {
  let sum = 0;
  for (const [id, each] of costs) if (counts(id)) sum += costUnder(each, chosen).cost * (weights.of.get(id) ?? 0);
  return sum;
}

function helpedBy(
  { index }: Candidate,
  statements: readonly AnalysedStatement[],
  costs: Matrix['costs'],
  weights: Weights,
  chosen: ReadonlySet<string>,
): { gain: number; statements: HelpedStatement[] } {
  const helped = statements.flatMap(({ statement }) => {
    const known = costs.get(statement.id);
    const now = known && costUnder(known, chosen);
    if (!now || !now.uses.includes(index.id)) return [];
    const { id, text, callsPerHour } = statement;
    const gain = ((known.base.cost - now.cost) * (weights.of.get(id) ?? 0)) / now.uses.length;
    const msPerHour = statement.meanMs === null || weights.msPerCost === null ? null : gain * weights.msPerCost;
    return [
      { gain, statement: { id, text, callsPerHour, costBefore: known.base.cost, costAfter: now.cost, msPerHour } },
    ];
  });
  helped.sort((a, b) => b.gain - a.gain);
  return {
    gain: helped.reduce((sum, { gain }) => sum + gain, 0),
    statements: helped.map(({ statement }) => statement),
  };
}
