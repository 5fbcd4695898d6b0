import type { AnalysedStatement } from './candidates/types.ts';
import type { StatementCosts } from './costs/explore.ts';

/** How much each statement counts, and how the planner's cost and measured time go together. */
export interface Weights {
  /** By id of the statement: calls per hour, scaled by how much slower or faster it is than its cost lets expect. */
  of: ReadonlyMap<string, number>;
  /** Milliseconds of the planner's unit over all measured statements; `null` when none was measured. */
  msPerCost: number | null;
}

/** One statement's time per cost is believed within this factor of that of all: beyond, it waits for something else. */
const widest = 100;

/**
 * The weights under which `cost × weight` is comparable between statements. The planner's unit means another time in each
 * statement: where times were measured, a statement's cost counts as what it took. Without times: calls.
 */
export function weightsOf(
  statements: readonly AnalysedStatement[],
  costs: ReadonlyMap<string, StatementCosts>,
): Weights {
  let [time, cost] = [0, 0];
  for (const { statement } of statements) {
    const base = costs.get(statement.id)?.base.cost;
    if (base === undefined || statement.meanMs === null) continue;
    time += statement.callsPerHour * statement.meanMs;
    cost += statement.callsPerHour * base;
  }
  const msPerCost = time > 0 && cost > 0 ? time / cost : null;
  const weights = statements.map(({ statement }): [string, number] => {
    const { id, callsPerHour, meanMs } = statement;
    const base = costs.get(id)?.base.cost ?? 0;
    if (msPerCost === null || meanMs === null || base === 0) return [id, callsPerHour];
    const factor = meanMs / base / msPerCost;
    return [id, callsPerHour * Math.min(Math.max(factor, 1 / widest), widest)];
  });
  return { of: new Map(weights), msPerCost };
}
