import type { HypotheticalIndex } from '../../../whatif/index.ts';
import type { WorkloadStatement } from '../../workload/types.ts';
import { keyText } from '../candidates/definition.ts';
import type { Priced, Pricer } from './price.ts';

export interface StatementCosts {
  id: string;
  /** Without any new index. */
  base: Priced;
  /** With new ones, each set that plans were found to use, cheapest first. */
  entries: readonly Priced[];
  /** False when the bounds on plans and time came before everything was known. */
  complete: boolean;
}

export interface ExploreLimits {
  /** Plans of one statement at most, each for all its samples. */
  plansPerStatement: number;
  /** Samples of values that a statement is planned with at most. */
  samples: number;
  /** Share of a statement's cost that must go away for an index to count, 0–1. */
  leastGain: number;
}

/** What is known so far of a statement's costs. */
export interface Exploration {
  readonly statement: WorkloadStatement;
  readonly plans: number;
  /** Nothing is left to plan. */
  readonly done: boolean;
  /** Cost that goes away with all candidates in place. */
  readonly potential: number;
  /** Plans the statement once more, or a few times. */
  step(): Promise<void>;
  result(): StatementCosts;
}

interface Open {
  removed: ReadonlySet<string>;
  found: Priced;
}

/**
 * Learns which sets of indexes a statement can use, and at what cost. With all candidates in sight the planner takes the best set;
 * each of that set taken away in turn, it takes the next best, and so on, cheapest first. Followed to the end this gives the
 * statement's cost under *every* set of candidates: whoever takes away what is not in a set comes to the plan under that set. What
 * gains next to nothing is not followed, and with an index go those that only have more behind its keys: where such a one is
 * chosen for other statements, it is planned again. Begins with two plans: without any candidate, and with all.
 */
export async function explore(
  statement: WorkloadStatement,
  candidates: readonly HypotheticalIndex[],
  price: Pricer,
  limits: ExploreLimits,
): Promise<Exploration> {
  const base = await price(statement, {});
  const entries = new Map<string, Priced>();
  const visited = new Set<string>();
  const open: Open[] = [];
  let plans = 1;

  const visit = async (removed: ReadonlySet<string>): Promise<void> => {
    const key = [...removed].toSorted().join(' ');
    const add = candidates.filter(({ id }) => !removed.has(id));
    if (visited.has(key) || add.length === 0) return;
    visited.add(key);
    const found = await price(statement, { add });
    plans++;
    if (found.uses.length === 0 || found.cost >= base.cost * (1 - limits.leastGain)) return;
    const set = found.uses.join(' ');
    if (found.cost < (entries.get(set)?.cost ?? Infinity)) entries.set(set, found);
    open.push({ removed, found });
  };

  const byId = new Map(candidates.map((index) => [index.id, index]));
  /** An index and those that are the same but wider: they would only cost more. */
  const without = (id: string): string[] => {
    const index = byId.get(id);
    return index ? [id, ...candidates.filter((other) => isWider(other, index)).map((other) => other.id)] : [id];
  };
  const cheapest = (): number => Math.min(base.cost, ...Array.from(entries.values(), ({ cost }) => cost));
  await visit(new Set());
  return {
    statement,
    get plans() {
      return plans;
    },
    get done() {
      return open.length === 0 || plans >= limits.plansPerStatement;
    },
    get potential() {
      return base.cost - cheapest();
    },
    async step() {
      open.sort((a, b) => a.found.cost - b.found.cost);
      const next = open.shift();
      for (const id of next?.found.uses ?? []) await visit(new Set([...(next?.removed ?? []), ...without(id)]));
    },
    result: () => ({
      id: statement.id,
      base,
      entries: [...entries.values()].toSorted((a, b) => a.cost - b.cost),
      complete: open.length === 0,
    }),
  };
}

/** Whether an index begins with all keys of another, of the same rows, and so finds what that one finds. */
function isWider(other: HypotheticalIndex, index: HypotheticalIndex): boolean {
  return (
    other.id !== index.id &&
    other.table === index.table &&
    other.schema === index.schema &&
    other.method === 'btree' &&
    index.method === 'btree' &&
    other.where === index.where &&
    other.keys.length + other.include.length > index.keys.length + index.include.length &&
    index.keys.every((key, at) => keyText(key) === keyText(other.keys[at] ?? { expression: '' })) &&
    index.include.every((column) => other.include.includes(column))
  );
}
