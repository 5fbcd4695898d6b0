import { beforeAll, expect, test } from 'vitest';
import { describe, loadParser } from '../../../sql/index.ts';
import { ClientWrites, mayCommitWithin } from './index.ts';

beforeAll(loadParser);

test('the end of a transaction tells all that was written in it, once', () => {
  const writes = new ClientWrites();
  writes.add(new Set([1]));
  writes.add(new Set());
  writes.add(new Set([1, 2]));
  expect(writes.flush()).toEqual(new Set([1, 2]));
  expect(writes.flush()).toEqual(new Set());
  writes.add(new Set([3]));
  writes.add('unknown');
  writes.add(new Set([4]));
  expect(writes.flush()).toBe('unknown');
  expect(writes.flush()).toEqual(new Set());
});

test('what is rolled back was not written, but for what may have committed within', () => {
  const writes = new ClientWrites();
  writes.add(new Set([1]));
  expect(writes.rolledBack()).toEqual(new Set());
  expect(writes.flush()).toEqual(new Set());
  writes.add(new Set([1]));
  writes.add(new Set([2]), true);
  expect(writes.rolledBack()).toEqual(new Set([2]));
  expect(writes.rolledBack()).toEqual(new Set());
});

test('a footprint that was given is not changed by what comes after', () => {
  const writes = new ClientWrites();
  const first = new Set([1]);
  writes.add(first);
  writes.add(new Set([2]));
  writes.flush();
  expect(first).toEqual(new Set([1]));
});

test('procedures and several statements may commit within, a single write does not', () => {
  const texts = ['CALL p()', 'DO $$ BEGIN COMMIT; END $$', 'DELETE FROM a; COMMIT; SELECT 1 / 0', 'SELEC 1'];
  expect(texts.map((text) => mayCommitWithin(describe(text)))).toEqual([true, true, true, true]);
  const single = ['DELETE FROM a', 'EXECUTE p', 'SELECT f()', 'COPY a FROM STDIN', 'ROLLBACK'];
  expect(single.map((text) => mayCommitWithin(describe(text)))).toEqual([false, false, false, false, false]);
});
