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
    { weight: 3, arbitrary: fc.constant<Step>((model) => model.tell()) },
    { weight: 1, arbitrary: fc.constant<Step>((model) => model.miss()) },
    {
      weight: 5,
      arbitrary: which.map(
        (at): Step =>
          (model) =>
            model.ask(at),
      ),
    },
    {
      weight: 5,
      arbitrary: which.map(
        (at): Step =>
          (model) =>
            model.answer(at),
      ),
    },
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
  { size: 'max', maxLength: 160 },
);

interface Outcome {
  wrong: number;
  kept: number;
}

/** How many entries were wrong, and how many were kept, over all runs: in the tier, and in the memory of who follows. */
function run(fenced: boolean, runs: number, marks = true): { cache: Outcome; memory: Outcome } {
  const cache: Outcome = { wrong: 0, kept: 0 };
  const memory: Outcome = { wrong: 0, kept: 0 };
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 5 }), (all, transactionsPerTable) => {
      const model = new Model(fenced, transactionsPerTable, marks);
      for (const step of all) step(model);
      const wrong = model.quiesce();
      cache.wrong += wrong.cache.length;
      memory.wrong += wrong.memory.length;
      cache.kept += model.cache.size;
      memory.kept += model.memory.size;
      if (fenced && marks) expect([cache.wrong, memory.wrong]).toEqual([0, 0]);
    }),
    { numRuns: runs },
  );
  return { cache, memory };
}

test('whatever the order of commits, arrivals, reads, fills and answers: no entry stays wrong', () => {
  const { cache, memory } = run(true, 3000);
  expect([cache.wrong, memory.wrong]).toEqual([0, 0]);
  expect(cache.kept).toBeGreaterThan(500);
  expect(memory.kept).toBeGreaterThan(200);
});

test('deleting on arrival alone leaves wrong entries', () => {
  expect(run(false, 300).cache.wrong).toBeGreaterThan(10);
});

test('a mark that is taken with the answer only leaves wrong entries in memory, and none in the tier', () => {
  const { cache, memory } = run(true, 3000, false);
  expect(cache.wrong).toBe(0);
  expect(memory.wrong).toBeGreaterThan(10);
});
