import { PitcrewError } from '../../../../errors.ts';
import type { HypotheticalIndex, IndexName, WhatIf, WhatIfPlan } from '../../../whatif/index.ts';
import { isWhole, type WorkloadStatement } from '../../workload/index.ts';
import { rowsWritten } from './plan-rows.ts';

/** What a statement costs with some indexes, averaged over its samples of values. */
export interface Priced {
  /** Ids of the new indexes that its plans use: it costs as much with these alone. */
  uses: readonly string[];
  cost: number;
  usesExisting: readonly IndexName[];
  /** Rows that one call writes, of a statement that does. */
  rowsWritten: number;
}

/** Plans one statement with new indexes or without some that exist. */
export type Pricer = (
  statement: WorkloadStatement,
  indexes: { add?: readonly HypotheticalIndex[]; hide?: readonly IndexName[] },
) => Promise<Priced>;

/** @param samples how many of a statement's samples of values are planned; without any it is planned generically. */
export function createPricer(whatIf: WhatIf, samples: number): Pricer {
  return async ({ text, searchPath, samples: known, samplesAreData = false }, indexes) => {
    const one = { text, ...(searchPath === undefined ? {} : { searchPath }) };
    const plans: WhatIfPlan[] = [];
    // Those that are the same are planned once, and count as often as they are there.
    const values = Map.groupBy(known.filter(isWhole).slice(0, samples), (sample) => JSON.stringify(sample));
    for (const same of values.values()) {
      const [parameters] = same;
      if (!parameters) continue;
      const planned = whatIf.plan({ ...one, parameters }, indexes);
      const plan = await (samplesAreData ? planned.catch(refusedValues) : planned);
      if (plan) plans.push(...same.map(() => plan));
    }
    if (plans.length === 0) plans.push(await whatIf.plan(one, indexes));
    return {
      uses: [...new Set(plans.flatMap(({ uses }) => uses))].toSorted(),
      cost: plans.reduce((sum, { cost }) => sum + cost, 0) / plans.length,
      usesExisting: plans.flatMap(({ usesExisting }) => usesExisting),
      rowsWritten: plans.reduce((sum, { plan }) => sum + rowsWritten(plan), 0) / plans.length,
    };
  };
}

/** The server's message quotes a value that it refuses (an application may have been changed, or its column): it goes no further. */
function refusedValues(error: unknown): undefined {
  if (!(error instanceof PitcrewError) || error.code !== 'E_QUERY') throw error;
}
