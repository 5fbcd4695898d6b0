import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { configDefinition } from '../../../config/definition.ts';
import { freshStore, watch } from '../../../../test/support/monitored.ts';
import { plainRole } from '../../../../test/support/catalog.ts';
import { testDatabase, testedMajors } from '../../../../test/support/postgres.ts';
import type { MonitorEvent } from '../../monitor/index.ts';
import { PlanKeeper } from './plan-keeper.ts';
import { planChangeCheck } from './plan-change-check.ts';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
/** Every collector runs when the test says so; the cadence of statements decides how soon after a change is measured. */
const config = configDefinition.parse({
  monitor: { cadence: { activity: '1m', statements: '10s', instance: '10m', tables: '1h', slow: '1d' } },
}).monitor;

// Ten seconds pass between two readings without anybody waiting for them.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

const pass = (seconds: number): void => void vi.setSystemTime(Date.now() + seconds * 1000);

test.each(testedMajors(18, 15))(
  'an index that is dropped under a workload changes a plan, and is told (PostgreSQL %i)',
  async (major) => {
    await using database = await testDatabase(major);
    await database.query(`
    CREATE EXTENSION pg_stat_statements;
    CREATE TABLE orders (id int PRIMARY KEY, customer_id int, note text);
    INSERT INTO orders SELECT n, n % 5000, repeat('x', 50) FROM generate_series(1, 50000) n;
    CREATE INDEX orders_customer ON orders (customer_id);
    ANALYZE orders;
  `);
    await using history = await freshStore();
    const { store } = history;
    await using monitor = watch({ url: database.url, store, config });
    const events: MonitorEvent[] = [];
    monitor.onEvent((event) => void (event.type === 'plan' && events.push(event)));
    const keeper = new PlanKeeper({ monitor, store, logger: silent });
    const work = async (rounds: number): Promise<void> => {
      for (let round = 0; round < rounds; round += 1) {
        for (let call = 0; call < 15; call += 1)
          await database.query('SELECT note FROM orders WHERE customer_id = $1', [call]);
        await database.query('SELECT pg_stat_force_next_flush()');
        pass(10);
        await monitor.collectNow(['statements']);
      }
      await store.flush();
    };
    await monitor.collectNow();
    await work(3);
    const { targetId } = monitor;
    const [statement] = (
      await store.history.statements({
        targetId,
        from: new Date(Date.now() - 600_000),
        to: new Date(),
        orderBy: 'totalExecUs',
        search: 'customer_id = $1',
        limit: 1,
      })
    ).statements;
    const statementId = statement?.id ?? 0;
    await keeper.runNow();
    const first = await store.history.plans({ targetId, statementId });
    expect(first).toMatchObject({ plans: [{ generic: true }], changes: [] });
    expect(JSON.stringify(first.plans[0]?.plan)).toContain('orders_customer');

    await work(2);
    await keeper.runNow();
    await database.query('DROP INDEX orders_customer');
    await work(1);
    await keeper.runNow();
    const [change] = (await store.history.plans({ targetId, statementId })).changes;
    expect(change).toMatchObject({ verdict: 'pending', fromShape: first.plans[0]?.shape });
    expect(change?.seenBefore.getTime()).toBeLessThan(change?.at.getTime() ?? 0);

    // On a busy machine single calls are slow for reasons of their own: until it is certain, more are needed.
    for (let round = 0; round < 60 && events.length === 0; round += 1) {
      await work(1);
      await keeper.runNow();
    }
    const { plans, changes } = await store.history.plans({ targetId, statementId });
    expect(plans.map(({ plan }) => JSON.stringify(plan).includes('Seq Scan'))).toEqual([true, false]);
    expect(changes).toMatchObject([{ verdict: 'slower', toShape: plans[0]?.shape }]);
    expect(changes[0]?.after.meanUs).toBeGreaterThan((changes[0]?.before.meanUs ?? Infinity) * 1.5);
    expect(events).toEqual([{ type: 'plan', database: 'watched', statementId, verdict: 'slower', at: change?.at }]);

    const { answer } = await planChangeCheck(store.history, targetId, new Date());
    const [finding] = answer.status === 'found' ? answer.findings : [];
    expect(finding).toMatchObject({
      check: 'plan-change',
      subject: { kind: 'statement', name: statement?.key.queryId },
      title: expect.stringMatching(
        /^A statement is slower since its plan changed at 20\d\d-\d\d-\d\d \d\d:\d\d UTC: .* ms before, .* ms after$/,
      ),
    });
    await keeper.stop();
  },
);

test('what cannot be planned is left alone, and plans cost the server little', async () => {
  await using database = await testDatabase();
  await database.query('CREATE EXTENSION pg_stat_statements; CREATE TABLE hidden (id int); CREATE TABLE open (id int)');
  await using role = await plainRole(database);
  await database.query(`GRANT SELECT ON open TO PUBLIC; GRANT pg_read_all_stats TO ${role.name}`);
  await using history = await freshStore();
  const { store } = history;
  await using monitor = watch({ url: role.url, store, config });
  await monitor.collectNow();
  await database.query('SELECT * FROM hidden WHERE id = $1', [1]);
  await database.query('SELECT * FROM open WHERE id = $1', [1]);
  await database.query('CREATE TABLE more (id int)');
  await database.query('SELECT pg_stat_force_next_flush()');
  pass(10);
  await monitor.collectNow(['statements']);
  await store.flush();
  const keeper = new PlanKeeper({ monitor, store, logger: silent });
  for (let round = 0; round < 5; round += 1) await keeper.runNow();
  const kept = await history.database.query<{ text: string }>(`
    SELECT text FROM pitcrew.plan JOIN pitcrew.statement ON statement.id = statement_id`);
  expect(kept.map(({ text }) => text)).toContain('SELECT * FROM open WHERE id = $1');
  expect(kept.some(({ text }) => text.includes('hidden') || text.startsWith('CREATE'))).toBe(false);
  await keeper.stop();
});
