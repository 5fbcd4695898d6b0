import { expect, test } from 'vitest';
import { configDefinition } from '../../../config/definition.ts';
import type { LoggedChange, StoredAdvice } from '../../store/index.ts';
import type { Finding, Remedy } from '../types.ts';
import { autoName, isWithin, nextByPolicy } from './auto.ts';

const now = new Date(2026, 2, 1, 23, 30);
const policy = configDefinition.parse({
  advisor: { auto: { enabled: true, kinds: ['create-index'], maxPerDay: 2, maxBytesTotal: '100MB' } },
}).advisor.auto;

function advice(id: number, change: Partial<StoredAdvice> = {}, remedy: Partial<Remedy> = {}, msPerHour = id) {
  const finding: Partial<Finding> = {
    gain: { msPerHour },
    remedy: {
      kind: 'create-index',
      fix: ['CREATE INDEX CONCURRENTLY i ON t (x)'],
      undo: [],
      risk: 'low',
      riskDetail: '',
      appliable: true,
      needsBytes: 10 * 1024 ** 2,
      ...remedy,
    },
  };
  return { id, state: 'planned', kind: 'create-index', finding, ...change } as StoredAdvice;
}

const ran = (adviceId: number, hoursAgo: number, askedBy = autoName) =>
  ({
    adviceId,
    subject: String(adviceId),
    purpose: 'apply',
    askedBy,
    beganAt: new Date(now.getTime() - hoursAgo * 3_600_000),
  }) as LoggedChange;

const next = (all: StoredAdvice[], log: LoggedChange[] = [], change: Partial<typeof policy> = {}) =>
  nextByPolicy({ policy: { ...policy, ...change }, advice: all, log, now })?.id;

test('the greatest gain comes first, and only what the policy names', () => {
  expect(next([advice(1), advice(3), advice(2)])).toBe(3);
  expect(next([advice(1)], [], { enabled: false })).toBeUndefined();
  expect(next([advice(1)], [], { kinds: ['analyze'] })).toBeUndefined();
  expect(next([advice(1)], [], { hours: '22:00-05:00' })).toBe(1);
  expect(next([advice(1)], [], { hours: '05:00-22:00' })).toBeUndefined();
});

test.each<[string, StoredAdvice]>([
  ['is dismissed', advice(1, { state: 'dismissed' })],
  ['was undone', advice(1, { state: 'undone' })],
  ['failed', advice(1, { state: 'failed' })],
  ['a person has to do', advice(1, {}, { appliable: false })],
  ['is risky', advice(1, {}, { risk: 'high' })],
  ['takes more than may be taken', advice(1, {}, { needsBytes: 101 * 1024 ** 2 })],
])('what %s is left alone', (_, only) => {
  expect(next([only])).toBeUndefined();
});

test('one change at a time, so many in a day, none a second time soon, and not too much in all', () => {
  expect(next([advice(1), advice(2, { state: 'measuring' })])).toBeUndefined();
  expect(next([advice(1)], [ran(7, 1), ran(8, 2)])).toBeUndefined();
  expect(next([advice(1)], [ran(7, 1), ran(8, 25)])).toBe(1);
  expect(next([advice(1)], [ran(7, 1), ran(8, 2, 'ann')])).toBe(1);
  expect(next([advice(1)], [ran(1, 100, 'ann')])).toBeUndefined();
  expect(next([advice(1)], [ran(1, 200)])).toBe(1);
  const kept = advice(9, { state: 'kept' }, { needsBytes: 95 * 1024 ** 2 });
  expect(next([advice(1), kept], [ran(9, 300)])).toBeUndefined();
  expect(next([advice(1), kept], [ran(9, 300, 'ann')])).toBe(1);
});

test.each([
  [undefined, true],
  ['23:00-23:31', true],
  ['23:00-23:30', false],
  ['23:30-00:00', true],
  ['00:00-23:30', false],
  ['20:00-04:00', true],
])('half past eleven at night is within %s: %s', (hours, expected) => {
  expect(isWithin(hours, now)).toBe(expected);
});
