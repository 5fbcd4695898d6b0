import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Choice } from './choice.ts';
import { compact } from './compact.ts';
import { loadHighs, solveRelaxed } from './highs.ts';
import { fill, improve, randomFrom, trim } from './improve.ts';
import { selectIndexes } from './index.ts';
import type { Progress } from './search.ts';
import { solve } from './solver.ts';
import type { SelectionProblem } from './types.ts';

/** Two queries, of which one is served by either index and the other one only by both together. */
const problem: SelectionProblem = {
  queries: [
    { id: 'q1', weight: 10 },
    { id: 'q2', weight: 1 },
  ],
  indexes: [
    { id: 'a', size: 100, writeCost: 5 },
    { id: 'b', size: 60, writeCost: 5 },
  ],
  costs: [
    { query: 'q1', indexes: [], cost: 100 },
    { query: 'q1', indexes: ['a'], cost: 10 },
    { query: 'q1', indexes: ['b'], cost: 20 },
    { query: 'q2', indexes: [], cost: 1000 },
    { query: 'q2', indexes: ['b', 'a'], cost: 50 },
  ],
  budget: Infinity,
};

describe('the choice', () => {
  test.each([
    [Infinity, ['a', 'b'], 100 + 50 + 10],
    [160, ['a', 'b'], 100 + 50 + 10],
    [159, ['a'], 100 + 1000 + 5],
    [100, ['a'], 100 + 1000 + 5],
    [99, ['b'], 200 + 1000 + 5],
    [60, ['b'], 200 + 1000 + 5],
    [59, [], 1000 + 1000],
    [0, [], 1000 + 1000],
  ])('within a budget of %s', async (budget, selected, cost) => {
    expect(await selectIndexes({ ...problem, budget })).toMatchObject({ selected, cost, bound: cost, gap: 0 });
  });

  test('leaves out what costs writes more than it saves', async () => {
    const indexes = problem.indexes.map((index) => ({ ...index, writeCost: 926 }));
    expect(await selectIndexes({ ...problem, indexes })).toMatchObject({ selected: [], cost: 2000, bound: 2000 });
  });

  test('of a problem without queries is empty and costs nothing', async () => {
    const none = await selectIndexes({ queries: [], indexes: problem.indexes, costs: [], budget: 1 });
    expect(none).toMatchObject({ selected: [], cost: 0, bound: 0, gap: 0 });
  });

  test('takes indexes without size under a budget of nothing', async () => {
    const indexes = problem.indexes.map((index) => ({ ...index, size: 0 }));
    expect((await selectIndexes({ ...problem, indexes, budget: 0 })).selected).toEqual(['a', 'b']);
  });
});

/** Small problems with many ties: few sizes and few costs. */
const problems = fc
  .record({ queries: fc.integer({ min: 1, max: 5 }), indexes: fc.integer({ min: 1, max: 7 }) })
  .chain(({ queries, indexes }) =>
    fc.record({
      weights: fc.array(fc.constantFrom(0, 1, 1, 2.5, 100), { minLength: queries, maxLength: queries }),
      plain: fc.array(fc.integer({ min: 0, max: 20 }), { minLength: queries, maxLength: queries }),
      indexes: fc.array(fc.record({ size: fc.integer({ min: 0, max: 4 }), writeCost: fc.constantFrom(0, 0, 1, 7.5) }), {
        minLength: indexes,
        maxLength: indexes,
      }),
      entries: fc.array(
        fc.record({
          query: fc.nat(queries - 1),
          members: fc.array(fc.nat(indexes - 1), { minLength: 1, maxLength: 4 }),
          cost: fc.integer({ min: 0, max: 22 }),
        }),
        { maxLength: 25 },
      ),
      budget: fc.oneof(fc.integer({ min: 0, max: 16 }), fc.constant(Infinity)),
    }),
  )
  .map(({ weights, plain, indexes, entries, budget }): SelectionProblem => ({
    queries: weights.map((weight, query) => ({ id: `q${query}`, weight })),
    indexes: indexes.map((index, number) => ({ id: `i${number}`, ...index })),
    costs: [
      ...entries.map(({ query, members, cost }) => ({
        query: `q${query}`,
        indexes: members.map((index) => `i${index}`),
        cost,
      })),
      ...plain.map((cost, query) => ({ query: `q${query}`, indexes: [], cost })),
    ],
    budget,
  }));

test('costs what the best of all choices costs, within the budget, and says so', async () => {
  // In this thread: to start one for each problem would take most of the time.
  const highs = await loadHighs();
  await fc.assert(
    fc.asyncProperty(problems, async (each) => {
      const matrix = compact(each);
      let last: Progress = { chosen: [], most: 0 };
      await solve(
        matrix,
        performance.now() + 60_000,
        async () => highs,
        (progress) => (last = progress),
      );
      const chosen = each.indexes.filter((_index, number) => last.chosen.includes(number));
      expect(costOf(each, new Set(chosen.map(({ id }) => id)))).toBeCloseTo(bestCost(each), 6);
      expect(matrix.base - last.most).toBeCloseTo(bestCost(each), 6);
      expect(chosen.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(each.budget);
    }),
    { numRuns: 400 },
  );
});

test('what an index brings is what its removal takes away, whatever came and went before', () => {
  const moves = fc.array(fc.nat(6), { maxLength: 30 });
  fc.assert(
    fc.property(problems, moves, (each, toggled) => {
      const choice = new Choice(compact(each));
      for (const index of toggled.map((number) => number % each.indexes.length)) {
        if (choice.chosen[index] === 1) choice.remove(index);
        else choice.add(index);
        for (const other of choice.list()) {
          const { value } = choice;
          const loss = choice.loss(other);
          choice.remove(other);
          expect(value - choice.value).toBeCloseTo(loss, 9);
          choice.add(other);
        }
      }
    }),
    { examples: [[twoAlike, [3, 0]]] },
  );
});

/** Two indexes serve a query equally well: with both there, either can go. */
const twoAlike: SelectionProblem = {
  queries: [{ id: 'q', weight: 100 }],
  indexes: Array.from({ length: 4 }, (_, number) => ({ id: `i${number}`, size: 0, writeCost: 0 })),
  costs: [
    { query: 'q', indexes: ['i0'], cost: 1 },
    { query: 'q', indexes: ['i3'], cost: 1 },
    { query: 'q', indexes: [], cost: 2 },
  ],
  budget: 0,
};

function costOf({ queries, indexes, costs }: SelectionProblem, chosen: ReadonlySet<string>): number {
  const ofQueries = queries.map(({ id, weight }) => {
    const possible = costs.filter(
      ({ query, indexes: needed }) => query === id && needed.every((each) => chosen.has(each)),
    );
    return weight * Math.min(...possible.map(({ cost }) => cost));
  });
  const ofWrites = indexes.map(({ id, writeCost }) => (chosen.has(id) ? writeCost : 0));
  return [...ofQueries, ...ofWrites].reduce((sum, each) => sum + each, 0);
}

function bestCost(each: SelectionProblem): number {
  const sets = Array.from({ length: 1 << each.indexes.length }, (_, bits) =>
    each.indexes.filter((_index, number) => (bits >> number) & 1),
  );
  const fitting = sets.filter((set) => set.reduce((sum, { size }) => sum + size, 0) <= each.budget);
  return Math.min(...fitting.map((set) => costOf(each, new Set(set.map(({ id }) => id)))));
}

describe('a problem that is none is refused:', () => {
  const [index] = problem.indexes;
  const [entry] = problem.costs;
  test.each<[string, Partial<SelectionProblem>, RegExp]>([
    ['a budget below 0', { budget: -1 }, /budget is -1/],
    ['a budget that is no number', { budget: Number.NaN }, /budget is NaN/],
    [
      'an id twice',
      { indexes: [...problem.indexes, { id: 'a', size: 1, writeCost: 0 }] },
      /"a" belongs to more than one/,
    ],
    ['a negative size', { indexes: [{ id: 'a', size: -1, writeCost: 0 }] }, /size of index "a" is -1/],
    ['a write cost that is no number', { indexes: [{ id: 'a', size: 1, writeCost: Number.NaN }] }, /write cost .* NaN/],
    ['an endless cost', { costs: [{ query: 'q1', indexes: [], cost: Infinity }] }, /cost of query "q1" is Infinity/],
    ['a query that is not there', { costs: [{ query: 'q9', indexes: [], cost: 1 }] }, /"q9", which is not among/],
    ['an index that is not there', { indexes: index ? [index] : [] }, /"b", which is not among the indexes/],
    ['a query without its plain cost', { costs: entry ? [entry] : [] }, /"q2" has no entry without indexes/],
  ])('%s', async (_what, change, detail) => {
    await expect(selectIndexes({ ...problem, ...change })).rejects.toMatchObject({
      code: 'E_BAD_REQUEST',
      detail: expect.stringMatching(detail),
    });
  });
});

/** Every query wants other pairs of the same indexes: no quick answer. */
function frustrated(queries: number, indexes: number): SelectionProblem {
  const number = (seed: number): number => (Math.imul(seed + 1, 2_654_435_761) >>> 8) % 1000;
  const ids = Array.from({ length: queries }, (_, query) => `q${query}`);
  return {
    queries: ids.map((id) => ({ id, weight: 1 })),
    indexes: Array.from({ length: indexes }, (_, index) => ({
      id: `i${index}`,
      size: 90 + (number(index) % 20),
      writeCost: 0,
    })),
    costs: ids.flatMap((query, at) => [
      { query, indexes: [], cost: 1000 },
      ...Array.from({ length: 60 }, (_, entry) => {
        const first = number(at * 60 + entry) % indexes;
        const second = (first + 1 + (number(at * 977 + entry * 31) % (indexes - 1))) % indexes;
        return { query, indexes: [`i${first}`, `i${second}`], cost: 100 + (number(at + entry * 7919) % 800) };
      }),
    ]),
    budget: indexes * 15,
  };
}

test.each([1, 400])(
  'when the time is up after %i ms there is a choice within the budget, and a bound',
  async (timeLimitMs) => {
    const hard = frustrated(200, 300);
    const selection = await selectIndexes(hard, { timeLimitMs });
    const plain = costOf(hard, new Set());
    expect(selection.cost).toBeCloseTo(costOf(hard, new Set(selection.selected)), 6);
    expect(selection.cost).toBeLessThanOrEqual(plain);
    expect(selection.bound).toBeLessThanOrEqual(selection.cost);
    expect(selection.bound).toBeGreaterThan(0);
    expect(selection.gap).toBeCloseTo((selection.cost - selection.bound) / selection.cost, 9);
    const sizes = hard.indexes.filter(({ id }) => selection.selected.includes(id)).map(({ size }) => size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(hard.budget);
  },
);

test('is aborted by its signal, before and while it runs', async () => {
  const hard = frustrated(200, 300);
  await expect(selectIndexes(hard, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'E_ABORTED' });
  const controller = new AbortController();
  const running = selectIndexes(hard, { signal: controller.signal });
  controller.abort();
  await expect(running).rejects.toMatchObject({ code: 'E_ABORTED' });
});

test('is the same every time', async () => {
  const small = frustrated(10, 14);
  const answers = await Promise.all([selectIndexes(small), selectIndexes(small)]);
  expect(answers[1]).toEqual({ ...answers[0], seconds: expect.any(Number) });
});

test('the search comes from a greedy choice to the best one, where no single index helps', () => {
  const small = frustrated(12, 14);
  const choice = new Choice(compact(small));
  fill(choice);
  trim(choice);
  expect(choice.matrix.base - choice.value).toBeGreaterThan(bestCost(small));
  const entries = Int32Array.from(choice.matrix.queryOf.keys());
  improve(choice, entries, 20_000, () => true, randomFrom(1));
  expect(choice.matrix.base - choice.value).toBeCloseTo(bestCost(small), 6);
  expect(choice.used).toBeLessThanOrEqual(small.budget);
});

test('the quick relaxation bounds as the exact one does', async () => {
  const highs = await loadHighs();
  const matrix = compact(frustrated(20, 40));
  const exact = solveRelaxed(highs, matrix, { exact: true, seconds: 60 });
  const quick = solveRelaxed(highs, matrix, { exact: false, seconds: 60 });
  expect(quick?.most).toBeGreaterThanOrEqual(exact?.most ?? Infinity);
  expect(quick?.most).toBeLessThanOrEqual((exact?.most ?? 0) + 1e-6 * matrix.base);
});
