import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { testDatabase } from '../../../../test/support/postgres.ts';
import { statementBatch, statementDelta, testStore } from '../../../../test/support/store.ts';
import type { SeenPlan } from './types.ts';

const start = Date.now() - 3_600_000;

/** A store with one statement. */
async function withStatement(url: string) {
  const store = await testStore(url);
  const targetId = await store.target('main');
  await store.claim(targetId);
  store.append(statementBatch(targetId, start, [statementDelta('1', { calls: 1 })]));
  await store.flush();
  const seen = (shape: string, minute: number, more: Partial<SeenPlan> = {}): SeenPlan => ({
    targetId,
    statementId: 1,
    shape,
    plan: { Plan: { 'Node Type': shape } },
    generic: true,
    totalCost: minute,
    at: new Date(start + minute * 60_000),
    ...more,
  });
  return Object.assign(store, { targetId, seen });
}

test('a plan is one row however often it is seen; each way from one to another is a change', async () => {
  await using database = await testDatabase();
  await using store = await withStatement(database.url);
  const { targetId, seen } = store;
  const told: (number | undefined)[] = [];
  for (const [minute, shape] of ['a', 'a', 'b', 'a', 'a'].entries()) {
    told.push((await store.keepPlan(seen(shape, minute)))?.at.getTime());
  }
  // Late or twice: another daemon was there before.
  expect(await store.keepPlan(seen('c', 3))).toBeUndefined();
  expect(await store.keepPlan(seen('c', 9, { statementId: 99 }))).toBeUndefined();
  expect(await store.keepPlan(seen('c', 9, { targetId: 99 }))).toBeUndefined();
  const minute = (of: number): Date => new Date(start + of * 60_000);
  expect(told).toEqual([undefined, undefined, minute(2).getTime(), minute(3).getTime(), undefined]);
  const { plans, changes } = await store.history.plans({ targetId, statementId: 1 });
  expect(plans).toEqual([
    {
      shape: 'a',
      plan: { Plan: { 'Node Type': 'a' } },
      generic: true,
      totalCost: 4,
      firstSeen: minute(0),
      lastSeen: minute(4),
    },
    {
      shape: 'b',
      plan: { Plan: { 'Node Type': 'b' } },
      generic: true,
      totalCost: 2,
      firstSeen: minute(2),
      lastSeen: minute(2),
    },
  ]);
  expect(changes).toMatchObject([
    { fromShape: 'b', toShape: 'a', seenBefore: minute(2), at: minute(3), verdict: 'pending' },
    { fromShape: 'a', toShape: 'b', seenBefore: minute(1), at: minute(2), verdict: 'pending' },
  ]);
  const judged = { verdict: 'slower', before: { calls: 30, meanUs: 5 }, after: { calls: 40, meanUs: 50 } } as const;
  await store.judgePlanChange({ id: changes[1]?.id ?? 0, ...judged });
  const range = { targetId, from: minute(0), to: minute(60), limit: 5 };
  expect(await store.history.planChanges({ ...range, verdicts: ['slower'] })).toMatchObject([
    { ...judged, toShape: 'b', queryId: '1', database: 'shop', user: 'app' },
  ]);
  expect(await store.history.planChanges(range)).toHaveLength(2);
  expect(await store.history.plans({ targetId: 99, statementId: 1 })).toEqual({ plans: [], changes: [] });
});

test('of each statement so many are kept, and none that is too large', async () => {
  await using database = await testDatabase();
  await using store = await withStatement(database.url);
  const { targetId, seen } = store;
  for (let minute = 0; minute < 35; minute += 1) await store.keepPlan(seen(`shape ${minute % 17}`, minute));
  const { plans, changes } = await store.history.plans({ targetId, statementId: 1 });
  expect(plans.map(({ shape }) => shape)).toEqual(Array.from({ length: 10 }, (_, back) => `shape ${(34 - back) % 17}`));
  expect(changes).toHaveLength(20);
  await store.keepPlan(seen('large', 40, { plan: { Plan: 'x'.repeat(300_000) } }));
  await store.keepPlan(seen('zero', 41, { plan: { Plan: 'a\0b' } }));
  const [zero, large] = (await store.history.plans({ targetId, statementId: 1 })).plans;
  expect([zero, large]).toMatchObject([
    { shape: 'zero', plan: null },
    { shape: 'large', plan: null },
  ]);
  // What is forgotten of a statement takes its plans along.
  await database.query('DELETE FROM pitcrew.statement');
  expect(await database.query('SELECT count(*)::int AS n FROM pitcrew.plan')).toEqual([{ n: 0 }]);
});

test('a daemon killed while it keeps plans leaves changes that fit its plans', async () => {
  await using database = await testDatabase();
  await using store = await withStatement(database.url);
  const child = fileURLToPath(new URL('../../../../test/support/plan-child.ts', import.meta.url));
  for (const lifeMs of [40, 150, 400]) {
    const daemon = spawn(process.execPath, [child, database.url], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(daemon, 'exit');
    await once(daemon.stdout, 'data');
    setTimeout(() => daemon.kill('SIGKILL'), lifeMs);
    expect(await ended).toEqual([null, 'SIGKILL']);
  }
  await expect
    .poll(
      async () =>
        (
          await database.query(
            `SELECT FROM pg_stat_activity WHERE application_name = 'pitcrew store' AND datname = current_database() AND state = 'active'`,
          )
        ).length,
      { timeout: 10_000 },
    )
    .toBe(0);
  const { plans, changes } = await store.history.plans({ targetId: store.targetId, statementId: 1 });
  expect(changes.length).toBeGreaterThan(2);
  // Each change goes on from the one before, and the last one leads to the plan seen last.
  expect(changes[0]?.toShape).toBe(plans[0]?.shape);
  for (const [index, change] of changes.slice(0, -1).entries()) {
    expect(change.fromShape).toBe(changes[index + 1]?.toShape);
    expect(change.seenBefore.getTime()).toBeGreaterThanOrEqual(changes[index + 1]?.at.getTime() ?? Infinity);
  }
  expect(plans.length).toBeLessThanOrEqual(10);
});
