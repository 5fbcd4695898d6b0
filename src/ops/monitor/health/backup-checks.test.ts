import { expect, test } from 'vitest';
import { ago, healthy } from '../../../../test/support/health-input.ts';
import type { HealthCheck } from '../types.ts';
import { type BackupFacts, healthReport } from './index.ts';

const base = healthy();

function check(id: string, backups: BackupFacts | null | undefined): HealthCheck {
  const found = healthReport({ ...base, backups }).checks.find((candidate) => candidate.id === id);
  if (!found) throw new Error(`no check ${id}`);
  return found;
}
function facts(more: Partial<BackupFacts>): BackupFacts {
  if (!base.backups) throw new Error('what is healthy has backups');
  return { ...base.backups, ...more };
}
const stream = (more: Partial<NonNullable<BackupFacts['stream']>>): BackupFacts => {
  const healthyStream = facts({}).stream;
  if (!healthyStream) throw new Error('what is healthy has its log received');
  return facts({ stream: { ...healthyStream, ...more } });
};
const hours = (count: number): Date => ago(count * 3600);
const drilled = (days: number, ok = true): BackupFacts =>
  facts({ drill: { at: hours(days * 24), ok, message: ok ? '' : '3 rows are missing', readyMs: null } });
const copies = (age: number, more: Partial<BackupFacts['behind'][number]> = {}): BackupFacts =>
  facts({
    repositories: [...(base.backups?.repositories ?? []), { name: 's3://bucket', error: null }],
    behind: [{ name: 's3://bucket', backups: 2, since: ago(age), isEmpty: false, reason: null, ...more }],
  });
const away = [{ name: 's3://bucket', error: 'the bucket cannot be reached' }];

test.each<[string, HealthCheck['status'], string, BackupFacts | null | undefined]>([
  ['backup-age', 'ok', 'one of today', facts({ latestBackupAt: hours(25) })],
  ['backup-age', 'warning', 'one of yesterday', facts({ latestBackupAt: hours(26) })],
  ['backup-age', 'critical', 'one of the day before', facts({ latestBackupAt: hours(52) })],
  ['backup-age', 'critical', 'none', facts({ latestBackupAt: null })],
  ['backup-age', 'unknown', 'the first under way', facts({ latestBackupAt: null, running: true })],
  ['backup-age', 'unknown', 'a repository that is away', facts({ latestBackupAt: undefined, repositories: away })],
  ['backup-age', 'unknown', 'nothing looked at', undefined],
  ['backup-runs', 'warning', 'a repository that is away', facts({ repositories: away })],
  [
    'backup-runs',
    'warning',
    'a failed run',
    facts({ failed: [{ kind: 'full', at: hours(1), message: 'the disk is full' }] }),
  ],
  ['backup-copies', 'ok', 'a copy that is about to be made', copies(899)],
  ['backup-copies', 'warning', 'a copy that is behind', copies(900)],
  ['backup-copies', 'warning', 'a copy that failed just now', copies(5, { reason: 'the bucket is full' })],
  ['backup-copies', 'critical', 'a copy that is behind for long', copies(52 * 3600)],
  ['backup-copies', 'warning', 'a repository that never had one', copies(900 * 3600, { isEmpty: true })],
  ['backup-copies', 'ok', 'copies that have caught up', { ...copies(0), behind: [] }],
  ['backup-log', 'ok', 'a lag below what is allowed', stream({ lagMs: 599_000 })],
  ['backup-log', 'warning', 'a lag of what is allowed', stream({ lagMs: 600_000 })],
  ['backup-log', 'critical', 'a lag of thrice that', stream({ lagMs: 1_800_000 })],
  ['backup-log', 'unknown', 'a lag that is not known', stream({ lagMs: null })],
  ['backup-log', 'critical', 'a gap', stream({ gap: '16/0 to 16/5000000' })],
  [
    'backup-log',
    'ok',
    'a connection that is lost for a moment',
    stream({ state: 'waiting', since: ago(30), error: 'x' }),
  ],
  ['backup-log', 'warning', 'no connection for ten minutes', stream({ state: 'waiting', since: ago(600), error: 'x' })],
  ['backup-log', 'critical', 'no connection for half an hour', stream({ state: 'waiting', since: ago(1800) })],
  ['backup-log', 'unknown', 'nothing received yet', facts({ stream: null })],
  ['backup-proof', 'ok', 'a drill of this month', drilled(34)],
  ['backup-proof', 'warning', 'a drill of the month before', drilled(35)],
  ['backup-proof', 'critical', 'a drill of long ago', drilled(90)],
  ['backup-proof', 'critical', 'a drill that found something', drilled(1, false)],
  ['backup-proof', 'unknown', 'none so far', facts({ drill: null })],
  ['backup-proof', 'unknown', 'no key', facts({ drill: null, unprovable: 'No key is named' })],
])('%s is %s with %s', (id, status, _case, backups) => {
  const found = check(id, backups);
  expect(found.status).toBe(status);
  expect(found.message).toMatch(/^\S.*[^.\s]$/);
  expect(found.pointsLost > 0).toBe(status === 'warning' || status === 'critical');
  if (status === 'warning' || status === 'critical') expect(found.advice).toMatch(/\S/);
});

test('where no backups are configured, or no log is received, nothing is judged', () => {
  for (const id of ['backup-age', 'backup-runs', 'backup-copies', 'backup-log', 'backup-proof']) {
    expect(check(id, null)).toMatchObject({ status: 'ok', weight: 0, pointsLost: 0 });
  }
  expect(check('backup-log', facts({ streams: false, stream: null }))).toMatchObject({ status: 'ok', weight: 0 });
});

test('what the server holds back for the log is told where it is not received', () => {
  const backups = stream({ state: 'waiting', since: ago(900), error: 'connection refused' });
  const slots = [{ slot: 'pitcrew_shop', active: false, temporary: false, walStatus: 'reserved', retainedBytes: 5e8 }];
  const found = healthReport({ ...base, backups, slots }).checks.find(({ id }) => id === 'backup-log');
  expect(found?.message).toContain('connection refused; the server holds back 477 MB for it');
});

test('how far a copy is behind is told, with why', () => {
  const { message } = check('backup-copies', copies(26 * 3600, { reason: 'the bucket is full.' }));
  expect(message).toBe('The copy in s3://bucket is 2 backups (26 h) behind: the bucket is full');
  expect(check('backup-copies', copies(26 * 3600, { isEmpty: true })).message).toBe(
    's3://bucket has none of the 2 backups yet',
  );
  expect(check('backup-copies', facts({}))).toMatchObject({ status: 'ok', weight: 0 });
});
