import { expect, test } from 'vitest';
import { testDatabase } from '../../../../test/support/postgres.ts';
import { testStore } from '../../../../test/support/store.ts';
import type { BackupRunBegun } from '../index.ts';

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 30, 1, minute));
const begun = (kind: BackupRunBegun['kind'], minute: number): BackupRunBegun => ({
  kind,
  trigger: 'schedule',
  askedBy: 'pitcrew',
  attempt: 1,
  dueAt: at(minute),
  repository: '/srv/backups',
  beganAt: at(minute),
  backup: null,
});
const done = (minute: number) => ({
  endedAt: at(minute),
  state: 'done' as const,
  backup: `backup-${minute}`,
  bytes: 1000,
  storedBytes: 100,
  error: null,
  report: { segments: 3 },
});
const error = { code: 'E_STORAGE', message: 'the disk is full', detail: 'a \0 in it', hint: null, passes: true };

test('runs are written down with their log, the latest of each kind is known, and those of dead daemons are stopped', async () => {
  await using database = await testDatabase();
  await using store = await testStore(database.url);
  const { backups } = store;
  const targetId = await store.target('shop');
  const first = await backups.beginRun(targetId, begun('full', 0));
  const lines = [
    { at: at(0), level: 'info' as const, text: 'begun' },
    { at: at(1), level: 'warn' as const, text: `a NUL \0 and half a pair \ud800` },
  ];
  await backups.addLines(first, 0, lines);
  // Not sure whether they were written: once more, with one that is new.
  await backups.addLines(first, 1, [...lines.slice(1), { at: at(2), level: 'error', text: 'x'.repeat(5000) }]);
  await backups.endRun(first, done(3));
  expect(await backups.run(targetId, first)).toEqual({ id: first, ...begun('full', 0), ...done(3) });
  expect(await backups.run(targetId + 1, first)).toBeUndefined();
  const found = await backups.lines(first);
  expect(found.map(({ text }) => text.length)).toEqual([5, 24, 2000]);
  expect(found[1]?.text).toBe('a NUL  and half a pair \ufffd');

  const second = await backups.beginRun(targetId, begun('full', 10));
  const failed = { ...done(11), state: 'failed' as const, backup: null, error };
  await backups.endRun(second, failed);
  const third = await backups.beginRun(targetId, begun('prune', 12));
  const mine = await backups.beginRun(targetId, begun('verify', 13));
  expect(await backups.abandonRuns(targetId, { at: at(20), error, except: [mine] })).toEqual([third]);
  expect(await backups.run(targetId, third)).toMatchObject({
    state: 'stopped',
    endedAt: at(20),
    error: { code: 'E_STORAGE' },
  });

  // A drill that could not be done says nothing of the backup.
  for (const [minute, code] of [
    [14, null],
    [15, 'E_DATA_DIR'],
  ] as const) {
    const drill = await backups.beginRun(targetId, { ...begun('drill', minute), backup: 'backup-3' });
    const bad = code && { ...failed, error: { ...error, code } };
    await backups.endRun(drill, bad ?? { ...done(minute), backup: null });
  }
  expect((await backups.latestDrills(targetId)).map(({ state, backup }) => [state, backup])).toEqual([
    ['done', 'backup-3'],
  ]);

  const latest = await backups.latestRuns(targetId);
  expect(latest.map(({ kind, last, lastDone }) => [kind, last.id, lastDone?.id ?? null])).toEqual([
    ['drill', mine + 2, mine + 1],
    ['verify', mine, null],
    ['prune', third, null],
    ['full', second, first],
  ]);
  const page = await backups.runs({ targetId, kinds: ['full', 'prune'], states: undefined, limit: 2, offset: 1 });
  expect(page).toMatchObject({ count: 3, runs: [{ id: second }, { id: first }] });
  expect(await backups.countRuns(targetId)).toContainEqual({ kind: 'full', state: 'failed', count: 1 });
});

test('of each kind so many runs are kept, the others go with their logs', async () => {
  await using database = await testDatabase();
  await using store = await testStore(database.url);
  const targetId = await store.target('shop');
  const first = await store.backups.beginRun(targetId, begun('full', 0));
  await store.backups.addLines(first, 0, [{ at: at(0), level: 'info', text: 'begun' }]);
  const other = await store.backups.beginRun(targetId, begun('drill', 0));
  await database.query(
    `INSERT INTO pitcrew.backup_run (target_id, kind, trigger, asked_by, attempt, repository, began_at, state)
     SELECT $1, 'full', 'schedule', 'pitcrew', 1, '', now(), 'done' FROM generate_series(1, 499)`,
    [targetId],
  );
  await store.backups.beginRun(targetId, begun('full', 1));
  expect(await store.backups.run(targetId, first)).toBeUndefined();
  expect(await store.backups.lines(first)).toEqual([]);
  // Of a run that is forgotten no line is written any more.
  await store.backups.addLines(first, 1, [{ at: at(1), level: 'info', text: 'more' }]);
  expect(await store.backups.run(targetId, other)).toMatchObject({ kind: 'drill' });
  expect(await store.backups.runs({ targetId, kinds: ['full'], limit: 1, offset: 0 })).toMatchObject({ count: 500 });
});
