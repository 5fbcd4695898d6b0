import { expect, test } from 'vitest';
import type { BaselineChange, BaselineEntry } from '../../store/index.ts';
import { Baseline, mergeChanges, type Reading, type Rules } from './baseline.ts';

/** A small generator with a seed, so that a failure can be repeated. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b_3c6d) + 0x9e37_79b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 13), 0x297a_2d39);
    mixed ^= mixed >>> 16;
    return (mixed >>> 0) / 2 ** 32;
  };
}

function apply(stored: Map<string, BaselineEntry>, change: BaselineChange): void {
  if (change.replaceAll) stored.clear();
  for (const { key, values, stamp } of change.upserts) stored.set(key, { values, stamp });
  for (const key of change.deletes) stored.delete(key);
}

const rules: Rules = { counters: 2, sums: 1 };
const reading = (key: string, values: number[], stamp?: string): Reading => ({ key, values, stamp });

test('the first sight of a server is a start, a key that comes later counts whole', () => {
  const baseline = new Baseline(rules);
  baseline.belongsTo('one');
  const first = baseline.step([reading('a', [10, 20, 1.5])], 1000, true);
  expect(first).toMatchObject({ increases: [], seconds: 0 });
  const second = baseline.step([reading('a', [11, 25, 2]), reading('b', [3, 4, 0.5])], 11_000, true);
  expect(second.seconds).toBe(10);
  expect(second.increases.map(({ reading: { key }, by }) => [key, by])).toEqual([
    ['a', [1, 5, 0.5]],
    ['b', [3, 4, 0.5]],
  ]);
});

test('a counter that fell, or another stamp, means that all of it is new', () => {
  const baseline = new Baseline(rules);
  baseline.belongsTo('one');
  baseline.step([reading('fell', [10, 20, 1]), reading('stamped', [10, 20, 1], 'monday')], 0, true);
  const { increases } = baseline.step(
    [reading('fell', [9, 30, 2]), reading('stamped', [12, 22, 2], 'tuesday')],
    1,
    true,
  );
  expect(increases.map(({ by }) => by)).toEqual([
    [9, 30, 2],
    [12, 22, 2],
  ]);
});

test('noise in a sum is no reset, and a first stamp is none either', () => {
  const baseline = new Baseline(rules);
  baseline.belongsTo('one');
  baseline.step([reading('a', [10, 20, 5])], 0, true);
  const { increases } = baseline.step([reading('a', [11, 20, 4.999], 'monday')], 1, true);
  expect(increases.map(({ by }) => by)).toEqual([[1, 0, 0]]);
});

test('a key that vanished is forgotten only when all was read', () => {
  const baseline = new Baseline(rules);
  baseline.belongsTo('one');
  baseline.step([reading('a', [10, 20, 0]), reading('b', [1, 1, 0])], 0, true);
  expect(baseline.step([reading('b', [2, 1, 0])], 1, false).change.deletes).toEqual([]);
  expect(baseline.step([reading('b', [2, 1, 0])], 2, true).change.deletes).toEqual(['a']);
  expect(baseline.step([reading('a', [10, 20, 0])], 3, false).increases.map(({ by }) => by)).toEqual([[10, 20, 0]]);
});

test('another server starts anew, the same one after a restart goes on', () => {
  const baseline = new Baseline(rules);
  baseline.belongsTo('one');
  baseline.step([reading('a', [10, 20, 0])], 0, true);
  expect(baseline.belongsTo('one')).toBe(false);
  expect(baseline.step([reading('a', [11, 20, 0])], 1, true).increases).toHaveLength(1);
  expect(baseline.belongsTo('two')).toBe(true);
  const { increases, change, seconds } = baseline.step([reading('a', [500, 500, 0])], 2, true);
  expect({ increases, seconds, replaceAll: change.replaceAll }).toEqual({
    increases: [],
    seconds: 0,
    replaceAll: true,
  });
});

test('baselines with a prefix share the entries of a collector without touching each other', () => {
  const stored = new Map<string, BaselineEntry>();
  const tables = new Baseline({ counters: 1 }, 't/');
  const indexes = new Baseline({ counters: 1 }, 'i/');
  for (const baseline of [tables, indexes]) baseline.belongsTo('one');
  apply(
    stored,
    mergeChanges([tables.step([reading('1', [5])], 0, true).change, indexes.step([reading('1', [7])], 0, true).change]),
  );
  tables.belongsTo('two');
  const change = tables.step([reading('2', [1])], 1, true).change;
  expect(change).toMatchObject({ replaceAll: false, deletes: ['t/1'] });
  apply(stored, change);
  expect([...stored.keys()].toSorted()).toEqual(['i/1', 'i/@run', 't/2', 't/@run']);
  const again = new Baseline({ counters: 1 }, 'i/');
  again.load(stored);
  again.belongsTo('one');
  expect(again.step([reading('1', [9])], 1000, true)).toMatchObject({ seconds: 1, increases: [{ by: [2] }] });
});

test('unchanged readings are listed when asked for, and new keys can be a start', () => {
  const baseline = new Baseline({ counters: 1, newKey: 'ignore', withUnchanged: true });
  baseline.belongsTo('one');
  baseline.step([reading('a', [5])], 0, true);
  const step = baseline.step([reading('a', [5]), reading('b', [100])], 1, true);
  expect(step.increases.map(({ reading: { key }, by }) => [key, by])).toEqual([['a', [0]]]);
});

test('a stamp of another kind is no reset', () => {
  const baseline = new Baseline(rules);
  baseline.belongsTo('one');
  baseline.step([reading('a', [10, 20, 0], 'reset monday')], 0, true);
  expect(baseline.step([reading('a', [11, 20, 0], 'friday')], 1, true).increases.map(({ by }) => by)).toEqual([
    [1, 0, 0],
  ]);
});

/** A server that counts, forgets and starts anew; the truth is counted beside it. */
test.each([1, 2, 3, 4, 5, 6, 7, 8])('what is counted adds up to what happened (seed %i)', (seed) => {
  const random = generator(seed);
  const server = new Map<string, { values: number[]; stamp: string }>();
  const stored = new Map<string, BaselineEntry>();
  const truth = new Map<string, number[]>();
  const counted = new Map<string, number[]>();
  let baseline = new Baseline({ counters: 2 });
  let stamps = 0;
  let covered = 0;
  /** Read by the monitor since it last changed: only what was read can be forgotten without a loss. */
  const collect = (at: number): void => {
    baseline.belongsTo('server');
    const readings = [...server].map(([key, { values, stamp }]) => reading(key, [...values], stamp));
    const { increases, change, seconds } = baseline.step(readings, at, true);
    covered += seconds;
    for (const { reading: of, by } of increases) add(counted, of.key, by);
    apply(stored, change);
  };
  collect(0);
  for (let step = 1; step <= 300; step += 1) {
    for (let n = Math.floor(random() * 8); n > 0; n -= 1) {
      const key = `statement ${Math.floor(random() * 12)}`;
      const entry = server.get(key) ?? { values: [0, 0], stamp: `born ${(stamps += 1)}` };
      const by = [1 + Math.floor(random() * 5), Math.floor(random() * 1_000_000)];
      server.set(key, { ...entry, values: entry.values.map((value, index) => value + (by[index] ?? 0)) });
      add(truth, key, by);
    }
    collect(step * 1000);
    if (random() < 0.1) server.delete(`statement ${Math.floor(random() * 12)}`);
    if (random() < 0.03) server.clear();
    if (random() < 0.1) {
      baseline = new Baseline({ counters: 2 });
      baseline.load(stored);
    }
  }
  expect(Object.fromEntries(counted)).toEqual(Object.fromEntries(truth));
  expect(covered).toBe(300);
  expect(stored.size).toBe(baseline.size + 1);
});

function add(sums: Map<string, number[]>, key: string, by: number[]): void {
  const before = sums.get(key) ?? [0, 0];
  sums.set(
    key,
    before.map((value, index) => value + (by[index] ?? 0)),
  );
}
