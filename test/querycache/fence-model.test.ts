import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Dependency } from '../../src/client/querycache/fence/index.ts';
import { Model } from './model.ts';

const which = fc.nat({ max: 7 });
const table = fc.integer({ min: 1, max: 2 });
const key = fc.constantFrom('a', 'b', 'c');
const dependency = fc.record({
  table,
  keys: fc.option(fc.uniqueArray(key, { minLength: 1, maxLength: 2 }), { nil: undefined }),
}) satisfies fc.Arbitrary<Dependency>;

type Step = (model: Model) => void;
const begin = fc.constant<Step>((model) => model.begin());
const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: begin },
    {
      weight: 4,
      arbitrary: fc.tuple(which, table, key).map(
        ([at, in_, row]): Step =>
          (model) =>
            model.write(at, in_, row),
      ),
    },
    {
      weight: 3,
      arbitrary: which.map(
        (at): Step =>
          (model) =>
            model.logCommit(at),
      ),
    },
    {
      weight: 3,
      arbitrary: which.map(
        (at): Step =>
          (model) =>
            model.show(at),
      ),
    },
    {
      weight: 1,
      arbitrary: which.map(
        (at): Step =>
          (model) =>
            model.rollBack(at),
      ),
    },
    { weight: 3, arbitrary: fc.constant<Step>((model) => model.stream()) },
    { weight: 2, arbitrary: fc.constant<Step>((model) => model.replay()) },
    { weight: 1, arbitrary: fc.constant<Step>((model) => model.note()) },
    { weight: 1, arbitrary: fc.constant<Step>((model) => model.cut()) },
    {
      weight: 5,
      arbitrary: fc.tuple(dependency, fc.boolean()).map(
        ([on, standby]): Step =>
          (model) =>
            model.read(on, standby),
      ),
    },
    {
      weight: 5,
      arbitrary: which.map(
        (at): Step =>
          (model) =>
            model.fill(at),
      ),
    },
  ),
  { size: 'max', maxLength: 120 },
);

/** How many entries were wrong, and how many were in the cache, over all runs. */
function run(fenced: boolean, runs: number): { wrong: number; kept: number } {
  const total = { wrong: 0, kept: 0 };
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 5 }), (all, transactionsPerTable) => {
      const model = new Model(fenced, transactionsPerTable);
      for (const step of all) step(model);
      total.wrong += model.quiesce().length;
      total.kept += model.cache.size;
      if (fenced) expect(total.wrong).toBe(0);
    }),
    { numRuns: runs },
  );
  return total;
}

test('whatever the order of commits, arrivals, reads and fills: no entry stays wrong', () => {
  const { wrong, kept } = run(true, 3000);
  expect(wrong).toBe(0);
  expect(kept).toBeGreaterThan(500);
});

test('deleting on arrival alone leaves wrong entries', () => {
  expect(run(false, 300).wrong).toBeGreaterThan(10);
});
