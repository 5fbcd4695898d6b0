import { describe, expect, test } from 'vitest';
import { plainRole, watched } from '../../../../test/support/catalog.ts';
import { scratchServer, testDatabase, testedMajors } from '../../../../test/support/postgres.ts';
import { reportStore } from '../../../../test/support/report-store.ts';
import { applicationReport, reportedStatement } from '../../../../test/support/reports.ts';
import { statementBatch, statementDelta, testStore } from '../../../../test/support/store.ts';
import { marked } from '../../../engine/postgres/index.ts';
import { workloadFromHistory, workloadFromStatements, workloadFromTelemetry } from './index.ts';

const hour = 3_600_000;

describe.each(testedMajors(18, 15))('the statistics of PostgreSQL %i', (major) => {
  test('are a workload: what has a plan, ours apart', async () => {
    await using database = await testDatabase(major);
    await database.query('CREATE EXTENSION pg_stat_statements');
    await database.query('CREATE TABLE orders AS SELECT n AS id, n % 7 AS customer FROM generate_series(1, 20000) n');
    for (let id = 1; id <= 30; id++) {
      await database.query(
        id % 2 === 0 ? `SELECT * FROM orders WHERE id = ${id}` : `select * from orders where id=${id}`,
      );
    }
    await database.query('UPDATE orders SET customer = 1 WHERE id = 1');
    await database.query(marked('SELECT count(*) FROM orders'));
    await using target = await watched(database.url);
    const workload = await workloadFromStatements(target.connection, target.profile);
    const texts = workload.statements.map(({ text }) => text);
    expect(texts).toContain('UPDATE orders SET customer = $1 WHERE id = $2');
    expect(texts.filter((text) => text.includes('pitcrew'))).toEqual([]);
    const lookup = workload.statements.find(({ text }) => /select \* from orders where id/i.test(text));
    const [counted] = await database.query<{ hours: number }>(
      'SELECT (extract(epoch FROM now() - stats_reset) / 3600)::float8 AS hours FROM pg_stat_statements_info',
    );
    // Counted for less than ten minutes: as if it were ten.
    const perHour = 30 / Math.max(counted?.hours ?? 0, 1 / 6);
    expect((lookup?.callsPerHour ?? 0) / perHour).toBeCloseTo(1, 1);
    expect(lookup?.meanMs).toBeGreaterThan(0);
    expect(lookup?.samples).toEqual([]);
    expect(workload.leftOut).toContainEqual({
      text: 'CREATE EXTENSION pg_stat_statements',
      reason: 'it has no plan (definition)',
    });
    expect(workload.coverage).toBeGreaterThan(0);
    expect(workload.coverage).toBeLessThan(1);

    const first = await workloadFromStatements(target.connection, target.profile, { most: 1 });
    expect(first.statements).toHaveLength(1);
    expect(first.coverage).toBeLessThan(workload.coverage);
  });

  test('are cut to what a role may read, which the workload says', async () => {
    await using database = await testDatabase(major);
    await database.query('CREATE EXTENSION pg_stat_statements');
    await database.query('SELECT 1 AS secret');
    await using role = await plainRole(database);
    await using target = await watched(role.url);
    const workload = await workloadFromStatements(target.connection, target.profile);
    expect(workload.statements.map(({ text }) => text)).not.toContain('SELECT $1 AS secret');
    expect(workload.coverage).toBeLessThan(1);
    expect(workload.leftOut[0]).toEqual({
      text: '',
      reason: expect.stringMatching(/hidden from this role.*pg_read_all_stats/),
    });
  });
});

test('without pg_stat_statements there is none, and it says what would change that', async () => {
  await using server = await scratchServer(18, { shared_preload_libraries: '' });
  await using target = await watched(server.url());
  await expect(workloadFromStatements(target.connection, target.profile)).rejects.toMatchObject({
    code: 'E_UNSUPPORTED',
    detail: expect.stringMatching(/./),
    hint: expect.stringMatching(/pg_stat_statements/),
  });
});

test('the history is a workload of one database and a range of time', async () => {
  await using database = await testDatabase();
  await using store = await testStore(database.url);
  const targetId = await store.target('main');
  await store.claim(targetId);
  const start = Math.floor((Date.now() - 3 * hour) / hour) * hour;
  const texts: Record<string, string> = {
    '1': 'SELECT * FROM a WHERE b = $1',
    '2': 'SELECT * FROM a WHERE b = $1 /* again */',
    '3': 'CHECKPOINT',
    '4': 'SELECT /* pitcrew */ 1',
  };
  const deltas = [
    statementDelta('1', { calls: 10, totalExecUs: 50_000 }),
    statementDelta('2', { calls: 30, totalExecUs: 10_000 }),
    statementDelta('3', { calls: 1, totalExecUs: 30_000 }),
    statementDelta('4', { calls: 9, totalExecUs: 90_000 }),
    statementDelta('5', { calls: 1, totalExecUs: 10_000 }),
  ];
  const other = statementDelta('6', { calls: 1, totalExecUs: 5_000_000 });
  store.append({
    ...statementBatch(
      targetId,
      start + 30_000,
      [...deltas, { ...other, key: { ...other.key, database: 'elsewhere' } }],
      30,
    ),
    texts: Object.entries(texts).map(([id, text]) => ({ ...statementDelta(id, {}), text, own: id === '4' })),
  });
  await store.flush();
  const range = { targetId, from: new Date(start), to: new Date(start + hour), database: 'shop' };
  const workload = await workloadFromHistory(store.history, range);
  expect(workload.statements).toEqual([
    { id: expect.any(String), text: texts['1'], callsPerHour: 40 * 120, meanMs: 1.5, samples: [] },
  ]);
  expect(workload.coverage).toBeCloseTo(0.6, 9);
  expect(workload.leftOut).toEqual([
    { text: 'CHECKPOINT', reason: 'it has no plan (maintenance)' },
    { text: '', reason: 'its text cannot be read by this role' },
  ]);
  const before = { ...range, from: new Date(start - hour), to: new Date(start) };
  expect((await workloadFromHistory(store.history, before)).statements).toEqual([]);
});

test('what applications tell is a workload', async () => {
  await using database = await testDatabase();
  await using store = await reportStore(database);
  const to = new Date();
  const statements = [
    reportedStatement('aa', [5, 15], { text: 'SELECT * FROM a WHERE b = $1' }),
    reportedStatement('bb', [2], { text: 'SELECT * FROM c' }),
  ];
  await store.write({ targetId: 1, report: applicationReport({ statements }, to), at: to, arrivedAt: to });
  const workload = await workloadFromTelemetry(store.history, {
    targetId: 1,
    from: new Date(to.getTime() - 2 * hour),
    to: new Date(to.getTime() + 1000),
  });
  expect(workload.source).toBe('telemetry');
  expect(workload.statements.map(({ text, samples }) => ({ text, samples }))).toEqual([
    { text: 'SELECT * FROM a WHERE b = $1', samples: [] },
    { text: 'SELECT * FROM c', samples: [] },
  ]);
  expect(workload.statements[0]?.callsPerHour).toBeCloseTo(1, 1);
  expect(workload.statements[0]?.meanMs).toBeCloseTo(10, 6);
});
