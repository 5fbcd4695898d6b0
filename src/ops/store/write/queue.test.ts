import { expect, test } from 'vitest';
import { statementBatch, statementDelta } from '../../../../test/support/store.ts';
import type { Batch } from '../types.ts';
import { BatchQueue } from './queue.ts';

const limits = { batches: 3, bytes: 1_000_000 };

function batch(at: number, more: Partial<Batch> = {}): Batch {
  return { ...statementBatch(1, at, [statementDelta('1', { calls: 1 })]), ...more };
}

function takeAll(queue: BatchQueue): number[] {
  return queue.take(() => true).map(({ at }) => at.getTime());
}

test('gives up the oldest when too many wait, and counts them', () => {
  const queue = new BatchQueue(limits);
  for (let at = 1; at <= 5; at++) queue.add(batch(at));
  expect([queue.size, queue.lost]).toEqual([3, 2]);
  expect(takeAll(queue)).toEqual([3, 4, 5]);
});

test('is bounded by bytes too, but keeps at least one', () => {
  const queue = new BatchQueue({ batches: 100, bytes: 2000 });
  for (let at = 1; at <= 10; at++) queue.add(batch(at));
  expect(queue.size).toBe(2);
  const text = { key: statementDelta('1', {}).key, text: 'x'.repeat(10_000), own: false };
  queue.add(batch(11, { texts: [text] }));
  expect(takeAll(queue)).toEqual([11]);
});

test('what is given up leaves its baseline, its texts and its dropped relations to the next of the same collector', () => {
  const queue = new BatchQueue(limits);
  const { key } = statementDelta('1', {});
  queue.add(
    batch(1, {
      texts: [{ key, text: 'SELECT 1', own: false }],
      dropped: [{ family: 'table', schema: 's', name: 't' }],
      baseline: {
        replaceAll: true,
        deletes: [],
        upserts: [
          { key: 'a', values: [1] },
          { key: 'b', values: [1] },
        ],
      },
    }),
  );
  // Another collector's batches push it out.
  for (let at = 2; at <= 4; at++) queue.add(batch(at, { collector: 'tables' }));
  queue.add(batch(5, { baseline: { replaceAll: false, deletes: ['b'], upserts: [{ key: 'c', values: [2] }] } }));
  const heir = queue.take(() => true).at(-1);
  expect(heir?.at).toEqual(new Date(5));
  expect(heir?.texts).toMatchObject([{ text: 'SELECT 1' }]);
  expect(heir?.dropped).toMatchObject([{ name: 't' }]);
  expect(heir?.baseline).toEqual({
    replaceAll: true,
    deletes: ['b'],
    upserts: [
      { key: 'a', values: [1] },
      { key: 'c', values: [2] },
    ],
  });
});

test('takes only what may be written, each database in order, and no more than a transaction should hold', () => {
  const queue = new BatchQueue({ batches: 1000, bytes: 1e9 });
  for (let at = 1; at <= 100; at++) queue.add(batch(at, { targetId: (at % 2) + 1 }));
  const taken = queue.take((targetId) => targetId === 1);
  expect(taken.map(({ at }) => at.getTime())).toEqual(Array.from({ length: 40 }, (_, index) => 2 * index + 2));
  queue.drop(2);
  expect([queue.size, queue.lost, queue.has(1), queue.has(2)]).toEqual([10, 50, true, false]);
});
