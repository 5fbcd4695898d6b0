import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HypotheticalIndex } from '../../../whatif/index.ts';
import { explore } from './explore.ts';
import type { Pricer } from './price.ts';

const limits = { plansPerStatement: 10_000, samples: 1, leastGain: 0 };
const statement = { id: 's', text: 'SELECT 1', samples: [], callsPerHour: 1, meanMs: null };
const base = 1000;

function indexOf(id: string): HypotheticalIndex {
  return { id, schema: 'public', table: 't', method: 'btree', keys: [{ expression: 'a' }], include: [] };
}

/** Sets of indexes and what a statement costs that uses them: what a planner is, as far as this goes. */
type Known = readonly { uses: readonly string[]; cost: number }[];

function costWith(known: Known, present: ReadonlySet<string>): { uses: readonly string[]; cost: number } {
  const able = known.filter(({ uses }) => uses.every((id) => present.has(id)));
  return able.reduce((best, each) => (each.cost < best.cost ? each : best), {
    uses: [] as readonly string[],
    cost: base,
  });
}

function planner(known: Known): Pricer {
  return (_, { add = [] }) => {
    const { uses, cost } = costWith(known, new Set(add.map(({ id }) => id)));
    return Promise.resolve({ uses: uses.toSorted(), cost, usesExisting: [], rowsWritten: 1 });
  };
}

const ids = ['a', 'b', 'c', 'd', 'e'];

test('followed to the end, it tells the cost under every set of candidates', async () => {
  const sets = fc.array(
    fc.record({
      uses: fc.uniqueArray(fc.constantFrom(...ids), { minLength: 1, maxLength: 3 }),
      cost: fc.integer({ min: 1, max: 999 }),
    }),
    { minLength: 1, maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(sets, async (known) => {
      const exploration = await explore(statement, ids.map(indexOf), planner(known), limits);
      while (!exploration.done) await exploration.step();
      const { entries, complete } = exploration.result();
      expect(complete).toBe(true);
      for (let mask = 0; mask < 2 ** ids.length; mask++) {
        const present = new Set(ids.filter((_, at) => (mask >> at) % 2 === 1));
        const told = entries.filter(({ uses }) => uses.every((id) => present.has(id))).map(({ cost }) => cost);
        expect(Math.min(base, ...told)).toBe(costWith(known, present).cost);
      }
    }),
  );
});

test('two plans tell that nothing is to be gained', async () => {
  const exploration = await explore(statement, ids.map(indexOf), planner([{ uses: ['a'], cost: 995 }]), {
    ...limits,
    leastGain: 0.01,
  });
  expect(exploration.done).toBe(true);
  expect(exploration.plans).toBe(2);
  expect(exploration.result().entries).toEqual([]);
});

test('a bound on plans is kept, and told', async () => {
  const known = ids.map((id, at) => ({ uses: [id], cost: 100 + at }));
  const exploration = await explore(statement, ids.map(indexOf), planner(known), { ...limits, plansPerStatement: 3 });
  while (!exploration.done) await exploration.step();
  expect(exploration.plans).toBe(3);
  expect(exploration.result().complete).toBe(false);
  expect(exploration.result().entries.map(({ uses }) => uses)).toEqual([['a'], ['b']]);
});
