import { expect, test } from 'vitest';
import type { Finding, Severity } from '../types.ts';
import { judged, judgedWholly } from './answers.ts';

const finding = (number: number, severity: Severity): Finding => ({
  check: 'some-check',
  key: `some-check:${number}`,
  severity,
  subject: { kind: 'table', schema: 'public', name: `t${number}` },
  title: '',
  explanation: '',
  evidence: [],
  gain: null,
  remedy: null,
});

test('the gravest thousand findings are listed, and how many more there are is told', () => {
  const findings = Array.from({ length: 1500 }, (_, number) => finding(number, number < 1499 ? 'info' : 'critical'));
  const answer = judged({ findings, undescribed: 200, fine: '' });
  if (answer.status !== 'found') throw new Error(answer.status);
  expect(answer.findings).toHaveLength(1000);
  expect(answer.findings.slice(0, 2).map(({ key }) => key)).toEqual(['some-check:1499', 'some-check:0']);
  expect(answer.more).toBe(700);
  expect(judged({ findings: [finding(1, 'info')], fine: '' })).not.toHaveProperty('more');
});

test('what could not be told is bounded; without findings it makes the answer unknown where the whole is asked for', () => {
  const untold = Array.from({ length: 30 }, (_, number) => ({ reason: `reason ${number}`, fix: null }));
  const fine = judged({ findings: [], fine: 'All is fine', untold });
  expect(fine).toMatchObject({ status: 'fine', message: 'All is fine' });
  expect(fine.status === 'fine' && fine.untold?.at(-1)?.reason).toBe('10 more could not be told');
  expect(judgedWholly({ findings: [], fine: '', untold })).toEqual({
    status: 'unknown',
    reason: 'reason 0 (and 29 more such reasons)',
    fix: null,
  });
  expect(judgedWholly({ findings: [finding(1, 'info')], fine: '', untold }).status).toBe('found');
});
