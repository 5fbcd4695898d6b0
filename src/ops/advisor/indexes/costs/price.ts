import type { HypotheticalIndex, IndexName, WhatIf, WhatIfPlan } from '../../../whatif/index.ts';
import type { ParameterSample, WorkloadStatement } from '../../workload/types.ts';
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
  return async ({ text, searchPath, samples: known }, indexes) => {
    const values: readonly (ParameterSample | undefined)[] = known.length > 0 ? known.slice(0, samples) : [undefined];
    const plans: WhatIfPlan[] = [];
    for (const parameters of values) {
      const one = { text, ...(parameters ? { parameters } : {}), ...(searchPath === undefined ? {} : { searchPath }) };
      plans.push(await whatIf.plan(one, indexes));
    }
    return {
      uses: [...new Set(plans.flatMap(({ uses }) => uses))].toSorted(),
      cost: plans.reduce((sum, { cost }) => sum + cost, 0) / plans.length,
      usesExisting: plans.flatMap(({ usesExisting }) => usesExisting),
      rowsWritten: plans.reduce((sum, { plan }) => sum + rowsWritten(plan), 0) / plans.length,
    };
  };
}
