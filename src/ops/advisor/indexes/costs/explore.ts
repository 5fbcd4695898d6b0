import type { HypotheticalIndex, IndexName, WhatIf, WhatIfPlan } from '../../../whatif/index.ts';
import type { ParameterSample, WorkloadStatement } from '../../workload/types.ts';

/** What a statement costs with some indexes, averaged over its samples of values. */
export interface Priced {
  /** Ids of the new indexes that its plans use: it costs as much with these alone. */
  uses: readonly string[];
  cost: number;
  usesExisting: readonly IndexName[];
  /** Rows that one call writes, of a statement that does. */
  rowsWritten: number;
}

export interface StatementCosts {
  id: string;
  /** Without any new index. */
  base: Priced;
  /** With new ones, each that plans were found to use, cheapest first. */
  entries: readonly Priced[];
  /** Statements planned for it. */
  plans: number;
  /** False when the bound on plans came before everything was known. */
  complete: boolean;
}

export interface ExploreLimits {
  /** Plans of one statement at most, each for all its samples. */
  plansPerStatement: number;
  samples: number;
  /** Share of a statement's cost that must go away for an index to count. */
  leastGain: number;
}

/** Plans one statement with a set of new indexes, for each of its samples of values. */
export type Pricer = (statement: WorkloadStatement, add: readonly HypotheticalIndex[]) => Promise<Priced>;

export function createPricer(whatIf: WhatIf, samples: number): Pricer {
  return async (statement, add) => {
    const { text, searchPath } = statement;
    const values: readonly (ParameterSample | undefined)[] =
      statement.samples.length > 0 ? statement.samples.slice(0, samples) : [undefined];
    const plans: WhatIfPlan[] = [];
    for (const parameters of values) {
      const one = { text, ...(parameters ? { parameters } : {}), ...(searchPath === undefined ? {} : { searchPath }) };
      plans.push(await whatIf.plan(one, add.length > 0 ? { add } : undefined));
    }
    return {
      uses: [...new Set(plans.flatMap(({ uses }) => uses))].toSorted(),
      cost: plans.reduce((sum, { cost }) => sum + cost, 0) / plans.length,
      usesExisting: plans.flatMap(({ usesExisting }) => usesExisting),
      rowsWritten: plans.reduce((sum, { plan }) => sum + rowsWritten(plan), 0) / plans.length,
    };
  };
}

/** What comes to the first node that changes a table. */
function rowsWritten(plan: unknown): number {
  const node = (isRecord(plan) && plan['Plan']) || undefined;
  const changing = findModify(node);
  const [source] = changing && Array.isArray(changing['Plans']) ? (changing['Plans'] as unknown[]) : [];
  return isRecord(source) && typeof source['Plan Rows'] === 'number' ? source['Plan Rows'] : 1;
}

function findModify(node: unknown): Record<string, unknown> | undefined {
  if (!isRecord(node)) return undefined;
  if (node['Node Type'] === 'ModifyTable') return node;
  const children = Array.isArray(node['Plans']) ? (node['Plans'] as unknown[]) : [];
  for (const child of children) {
    const found = findModify(child);
    if (found) return found;
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

interface Open {
  removed: ReadonlySet<string>;
  found: Priced;
}

/**
 * Learns which sets of indexes a statement can use, and at what cost. With all candidates in sight the planner takes the best set;
 * each of that set taken away in turn, it takes the next best, and so on, cheapest first. Followed to the end this gives the
 * statement's cost under *every* set of candidates, with as few plans as there are sets that matter: with the candidates that
 * are not in a set taken away, one comes to the plan under that set. What is skipped is what gains next to nothing.
 */
export async function explore(
  statement: WorkloadStatement,
  candidates: readonly HypotheticalIndex[],
  price: Pricer,
  limits: ExploreLimits,
): Promise<StatementCosts> {
  const base = await price(statement, []);
  let plans = 1;
  const entries = new Map<string, Priced>();
  const worthwhile = (found: Priced): boolean =>
    found.uses.length > 0 && found.cost < base.cost * (1 - limits.leastGain);
  const visited = new Set<string>();
  const open: Open[] = [];
  const visit = async (removed: ReadonlySet<string>): Promise<void> => {
    const key = [...removed].toSorted().join(' ');
    if (visited.has(key)) return;
    visited.add(key);
    const add = candidates.filter(({ id }) => !removed.has(id));
    if (add.length === 0) return;
    const found = await price(statement, add);
    plans++;
    if (!worthwhile(found)) return;
    const set = found.uses.join(' ');
    if (found.cost < (entries.get(set)?.cost ?? Infinity)) entries.set(set, found);
    open.push({ removed, found });
  };
  await visit(new Set());
  while (open.length > 0 && plans < limits.plansPerStatement) {
    open.sort((a, b) => a.found.cost - b.found.cost);
    const next = open.shift();
    for (const id of next?.found.uses ?? []) {
      if (plans >= limits.plansPerStatement) break;
      await visit(new Set([...(next?.removed ?? []), id]));
    }
  }
  return {
    id: statement.id,
    base,
    entries: [...entries.values()].toSorted((a, b) => a.cost - b.cost),
    plans,
    complete: open.length === 0,
  };
}
