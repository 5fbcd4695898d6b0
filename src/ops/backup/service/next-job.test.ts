import { expect, test } from 'vitest';
import type { BackupRun, BackupRunKind, LatestRuns } from '../../store/index.ts';
import type { BackupRecord } from '../repository/index.ts';
import { type DueInput, nextJob } from './next-job.ts';
import { timesOf } from './schedule.ts';

/** Of the day that is looked at, UTC. */
const at = (time: string, day = 15): Date => new Date(`2026-01-${day}T${time}:00Z`);

const nightly = timesOf('0 2 * * *', 'UTC');
const hourly = timesOf('0 * * * *', 'UTC');
const weekly = timesOf('0 6 * * 0', 'UTC');

function run(kind: BackupRunKind, beganAt: Date, more: Partial<BackupRun> = {}): BackupRun {
  return {
    id: 1,
    kind,
    trigger: 'schedule',
    askedBy: 'pitcrew',
    attempt: 1,
    dueAt: null,
    repository: '',
    beganAt,
    endedAt: new Date(beganAt.getTime() + 60_000),
    state: 'done',
    backup: null,
    bytes: null,
    storedBytes: null,
    error: null,
    report: null,
    ...more,
  };
}
function latest(last: BackupRun, lastDone: BackupRun | null = last.state === 'done' ? last : null): LatestRuns {
  return { kind: last.kind, last, lastDone };
}
const error = (passes: boolean) => ({ code: 'E_STORAGE', message: 'full', detail: null, hint: null, passes });
const backup = (type: BackupRecord['type'], startedAt: Date): BackupRecord =>
  ({ id: `${startedAt.toISOString()}-${type}`, type, startedAt }) as BackupRecord;

function jobAt(now: Date, input: Partial<DueInput> = {}) {
  return nextJob({
    now,
    times: { full: nightly, incremental: null, verify: null },
    drills: false,
    runs: [],
    backups: [],
    retryAfterMs: [60_000, 300_000],
    ...input,
  });
}

test('what was missed is made up for once, and a backup made by hand counts', () => {
  expect(jobAt(at('12:00'))).toEqual({ kind: 'full', dueAt: at('02:00'), attempt: 1 });
  expect(jobAt(at('12:00'), { backups: [backup('full', at('02:00'))] })).toBeUndefined();
  expect(jobAt(at('12:00'), { backups: [backup('full', at('01:59'))] })).toMatchObject({ kind: 'full' });
  // A repository that cannot be read makes nothing due that was done.
  const done = latest(run('full', at('02:00')));
  const pruned = latest(run('prune', at('02:05')));
  expect(jobAt(at('12:00'), { runs: [done, pruned], backups: null })).toBeUndefined();
  expect(jobAt(at('12:00', 18), { runs: [done, pruned] })).toEqual({
    kind: 'full',
    dueAt: at('02:00', 18),
    attempt: 1,
  });
});

test('a full backup is made before an incremental one, and serves for it', () => {
  const times = { full: nightly, incremental: hourly, verify: null };
  expect(jobAt(at('02:10'), { times })).toMatchObject({ kind: 'full' });
  const pruned = latest(run('prune', at('02:05')));
  const runs = [latest(run('full', at('02:00'))), pruned];
  expect(jobAt(at('02:10'), { times, runs })).toBeUndefined();
  expect(jobAt(at('03:00'), { times, runs })).toEqual({ kind: 'incremental', dueAt: at('03:00'), attempt: 1 });
});

test('what failed for a reason that may pass is tried again, later each time and so often only', () => {
  const failed = (beganAt: Date, attempt: number, passes = true) =>
    latest(run('full', beganAt, { state: 'failed', attempt, error: error(passes) }));
  expect(jobAt(at('02:01'), { runs: [failed(at('02:00'), 1)] })).toBeUndefined();
  expect(jobAt(at('02:02'), { runs: [failed(at('02:00'), 1)] })).toMatchObject({ attempt: 2 });
  expect(jobAt(at('02:07'), { runs: [failed(at('02:02'), 2)] })).toBeUndefined();
  expect(jobAt(at('02:08'), { runs: [failed(at('02:02'), 2)] })).toMatchObject({ attempt: 3 });
  expect(jobAt(at('20:00'), { runs: [failed(at('02:08'), 3)] })).toBeUndefined();
  expect(jobAt(at('20:00'), { runs: [failed(at('02:00'), 1, false)] })).toBeUndefined();
  // The next night it begins anew.
  expect(jobAt(at('02:00', 16), { runs: [failed(at('02:08'), 3)] })).toEqual({
    kind: 'full',
    dueAt: at('02:00', 16),
    attempt: 1,
  });
  // A run whose daemon died is tried again too, as often.
  const stopped = (attempt: number) => latest(run('full', at('02:00'), { state: 'stopped', attempt }));
  expect(jobAt(at('03:00'), { runs: [stopped(1)] })).toMatchObject({ attempt: 2 });
  expect(jobAt(at('03:00'), { runs: [stopped(3)] })).toBeUndefined();
});

test('after a backup what is too much is removed, and after a full one it is proven, once', () => {
  const full = backup('full', at('02:00'));
  const times = { full: nightly, incremental: null, verify: weekly };
  const made = latest(run('full', at('02:00')));
  const verified = latest(run('verify', at('06:00', 11)));
  const input = { times, drills: true, backups: [full, backup('incremental', at('03:00'))] };
  expect(jobAt(at('04:00'), { ...input, runs: [made, verified] })).toEqual({ kind: 'prune', dueAt: null, attempt: 1 });
  const pruned = latest(run('prune', at('02:01')));
  const runs = [made, verified, pruned];
  expect(jobAt(at('04:00'), { ...input, runs })).toEqual({ kind: 'drill', dueAt: null, attempt: 1, backup: full.id });
  const proven = latest(run('drill', at('02:30'), { backup: full.id }));
  expect(jobAt(at('04:00'), { ...input, runs: [...runs, proven] })).toBeUndefined();
  // One that is found bad is bad: it is not restored again and again.
  const bad = latest(run('drill', at('02:30'), { backup: full.id, state: 'failed', error: error(false) }));
  expect(jobAt(at('04:00'), { ...input, runs: [...runs, bad] })).toBeUndefined();
  expect(jobAt(at('04:00'), { ...input, drills: false, runs })).toBeUndefined();
});

test('what is stored is checked by its own times, when nothing else is due', () => {
  const times = { full: null, incremental: null, verify: weekly };
  expect(jobAt(at('04:00'), { times })).toEqual({ kind: 'verify', dueAt: at('06:00', 11), attempt: 1 });
  expect(jobAt(at('04:00'), { times, runs: [latest(run('verify', at('06:00', 11)))] })).toBeUndefined();
});
