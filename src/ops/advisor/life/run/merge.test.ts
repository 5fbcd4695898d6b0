import { expect, test } from 'vitest';
import type { AdviceState, StoredAdvice } from '../../../store/index.ts';
import type { CheckAnswer, Finding } from '../../types.ts';
import { mergeFindings } from './merge.ts';

const at = (minutes: number) => new Date(Date.UTC(2026, 2, 1, 12, minutes));

function finding(key: string, change: Partial<Finding> = {}): Finding {
  return {
    check: 'unused-index',
    key,
    severity: 'warning',
    subject: { kind: 'index', schema: 'public', table: 'orders', name: key },
    title: `The index ${key} is not used`,
    explanation: 'It costs writes.',
    evidence: [],
    gain: { bytes: 50 * 1024 ** 2 },
    remedy: null,
    ...change,
  };
}

function stored(state: AdviceState, key = 'a', change: Partial<StoredAdvice> = {}): StoredAdvice {
  return {
    id: 1,
    targetId: 1,
    key,
    check: 'unused-index',
    kind: 'drop-index',
    severity: 'warning',
    state,
    stateSince: at(0),
    finding: finding(key),
    declinedFinding: state === 'dismissed' || state === 'undone' ? finding(key) : null,
    firstSeen: at(0),
    lastSeen: at(0),
    applyBeganAt: null,
    appliedAt: null,
    progress: null,
    measurement: null,
    ...change,
  };
}

const merge = (known: StoredAdvice[], answer: CheckAnswer, check = 'unused-index') =>
  mergeFindings(known, [{ check, answer }], at(5)).map((change) => ({
    type: change.type,
    to: change.type === 'new' ? change.state : (change.to ?? change.state),
  }));

const found = (...findings: Finding[]): CheckAnswer => ({ status: 'found', findings });
const fine: CheckAnswer = { status: 'fine', message: 'All indexes are used.' };

test('what is new is found, or planned where it was planned already', () => {
  expect(merge([], found(finding('a'), finding('b', { gain: { workloadShare: 0.3 } })))).toEqual([
    { type: 'new', to: 'found' },
    { type: 'new', to: 'planned' },
  ]);
  expect(merge([], found(finding('a'), finding('a')))).toHaveLength(1);
});

test.each<[AdviceState, AdviceState | 'untouched', AdviceState | 'untouched']>([
  ['found', 'found', 'resolved'],
  ['failed', 'failed', 'resolved'],
  ['applying', 'untouched', 'untouched'],
  ['undoing', 'untouched', 'untouched'],
  ['applied', 'found', 'kept'],
  ['measuring', 'untouched', 'untouched'],
  ['kept', 'found', 'untouched'],
  ['undone', 'undone', 'untouched'],
  ['dismissed', 'dismissed', 'untouched'],
  ['resolved', 'found', 'untouched'],
])('%s: seen again %s, gone %s', (state, again, gone) => {
  const expected = (to: string, type: string) => (to === 'untouched' ? [] : [{ type, to }]);
  expect(merge([stored(state)], found(finding('a')))).toEqual(expected(again, 'seen'));
  expect(merge([stored(state)], fine)).toEqual(expected(gone, 'gone'));
});

test.each<[string, CheckAnswer]>([
  ['could not tell', { status: 'unknown', reason: 'no right', fix: null }],
  ['could not tell of a part', { ...fine, untold: [{ reason: 'a replica is away', fix: null }] }],
  ['found more than it tells', { status: 'found', findings: [finding('b')], more: 3 }],
])('a check that %s resolves nothing', (_, answer) => {
  expect(merge([stored('found')], answer).filter(({ type }) => type === 'gone')).toEqual([]);
});

test('a check that was not run resolves nothing', () => {
  expect(merge([stored('found')], fine, 'another-check')).toEqual([]);
});

test('what changed its state after the run began is left alone', () => {
  const late = stored('found', 'a', { stateSince: at(6) });
  expect(merge([late], found(finding('a')))).toEqual([]);
  expect(merge([late], fine)).toEqual([]);
});

test.each<[string, Partial<Finding>, AdviceState]>([
  ['graver', { severity: 'critical' }, 'found'],
  ['less grave', { severity: 'info' }, 'dismissed'],
  ['a little larger', { gain: { bytes: 90 * 1024 ** 2 } }, 'dismissed'],
  ['twice as large', { gain: { bytes: 100 * 1024 ** 2 } }, 'found'],
  ['without a gain', { gain: null }, 'dismissed'],
  ['dear', { gain: { msPerHour: 1000 } }, 'found'],
  ['hardly dear', { gain: { msPerHour: 900 } }, 'dismissed'],
])('dismissed advice that has become %s', (_, change, to) => {
  expect(merge([stored('dismissed')], found(finding('a', change)))).toEqual([{ type: 'seen', to }]);
});
