import { expect, test } from 'vitest';
import { testDatabase } from '../../../../test/support/postgres.ts';
import { received, reportStore } from '../../../../test/support/report-store.ts';
import {
  applicationReport,
  reportedPoolCounts,
  reportedScope,
  reportedTimer,
} from '../../../../test/support/reports.ts';
import { seededRandom } from '../../../../test/support/store.ts';
import { limits, otherName } from './limits.ts';
import type { ReceivedReport } from './types.ts';

const minute = 60_000;
const hour = 60 * minute;
const start = Date.UTC(2026, 2, 1, 5, 7, 30);
const shop = { targetId: 1, from: new Date(start - 24 * hour), to: new Date(start + 24 * hour), application: 'shop' };

test.each([1, 2])(
  'requests, timers and waits are equal on every level, whenever and however often they come (seed %i)',
  async (seed) => {
    await using database = await testDatabase();
    await using store = await reportStore(database);
    const random = seededRandom(seed);
    const durations = (): number[] => Array.from({ length: 1 + random(10) }, () => random(2 ** (1 + random(12))) / 16);
    const sent: ReceivedReport[] = [];
    const sum = { requests: 0, statements: 0, timers: 0, waits: 0, timeouts: 0, longest: 0 };
    let now = start;
    for (let round = 1; round <= 40; round++) {
      const [scope, timer, waits, timeouts] = [durations(), durations(), durations(), random(3)];
      const report = applicationReport(
        {
          sequence: round,
          scopes: [reportedScope('GET /orders', scope, { statements: 3 * scope.length }), reportedScope('GET /', [1])],
          timers: [reportedTimer('checkout', timer)],
          poolCounts: reportedPoolCounts(waits, { acquireTimeouts: timeouts }),
        },
        new Date(now - (random(3) === 0 ? random(15 * minute) : 0)),
      );
      sum.requests += scope.length;
      sum.statements += 3 * scope.length;
      sum.timers += timer.length;
      sum.waits += waits.length + timeouts;
      sum.timeouts += timeouts;
      sum.longest = Math.max(sum.longest, ...scope);
      const one = received(report, new Date(report.to), new Date(now));
      sent.push(one);
      await store.write(one, ...sent.slice(random(sent.length)));
      if (random(3) === 0) await store.rollUp(now);
      now += random(4 * minute);
    }
    await store.rollUp(now + 2 * hour);
    const activities = await store.history.activities(shop);
    const find = (kind: string, name: string) => activities.find((each) => each.kind === kind && each.name === name);
    const orders = { count: sum.requests, statements: sum.statements, maxUs: Math.round(sum.longest * 1000) };
    expect(find('scope', 'GET /orders')).toMatchObject(orders);
    expect(find('scope', '')).toMatchObject({ count: sum.requests + 40, maxUs: Math.max(1000, orders.maxUs) });
    expect(find('timer', 'checkout')).toMatchObject({ count: sum.timers });
    expect(find('pool', '')).toMatchObject({ count: sum.waits, timeouts: sum.timeouts });
    for (const level of ['raw', 'minute', 'quarter_hour', 'hour']) {
      const { rows } = await store.client.query(
        `SELECT kind, name, sum(count) AS count FROM pitcrew.activity_${level} JOIN pitcrew.activity ON id = activity_id
       WHERE name <> '' OR kind = 'pool' GROUP BY 1, 2 ORDER BY 1, 2`.replaceAll(
          'sum(count)',
          `sum(activity_${level}.count)`,
        ),
      );
      expect(rows, level).toEqual([
        { kind: 'pool', name: '', count: sum.waits },
        { kind: 'scope', name: 'GET /', count: 40 },
        { kind: 'scope', name: 'GET /orders', count: sum.requests },
        { kind: 'timer', name: 'checkout', count: sum.timers },
      ]);
    }
    for (const step of [10, 60, 900, 3600]) {
      const { points } = await store.history.activitySeries({ ...shop, step, kind: 'pool' });
      const total = points.reduce((all, { count, timeouts }) => ({ n: all.n + count, t: all.t + timeouts }), {
        n: 0,
        t: 0,
      });
      expect(total).toEqual({ n: sum.waits, t: sum.timeouts });
    }
    const totals = await store.history.activityTotals({ targetId: 1, now: new Date(now) });
    expect(totals.map(({ kind, name, count }) => [kind, name, count])).toEqual([
      ['pool', '', sum.waits],
      ['scope', '', sum.requests + 40],
      ['timer', 'checkout', sum.timers],
    ]);
    const counted = totals.find(({ kind }) => kind === 'timer')?.latency ?? [];
    expect(counted).toEqual(find('timer', 'checkout')?.latency);
  },
);

test('requests named by ids do not fill the store, and nothing of them is lost', async () => {
  await using database = await testDatabase();
  await using store = await reportStore(database);
  const now = new Date();
  const scopes = Array.from({ length: limits.activities + 50 }, (_, id) => reportedScope(`GET /orders/${id}`, [1]));
  await store.write(received(applicationReport({ scopes }, now)));
  const range = { from: new Date(now.getTime() - hour), to: new Date(now.getTime() + minute) };
  const activities = await store.history.activities({ ...shop, ...range });
  const named = activities.filter(({ name }) => name !== '');
  expect(named).toHaveLength(limits.activities + 1);
  expect(named.find(({ name }) => name === otherName)?.count).toBe(50);
  expect(activities.find(({ name }) => name === '')?.count).toBe(limits.activities + 50);
});

test('one that no level can hold any more is forgotten', async () => {
  await using database = await testDatabase();
  await using store = await reportStore(database);
  await store.write(received(applicationReport({ timers: [reportedTimer('checkout', [1])] }, new Date(start))));
  await store.forget(start + 1000 * 24 * hour);
  expect((await store.client.query('SELECT name FROM pitcrew.activity')).rows).toEqual([]);
});
