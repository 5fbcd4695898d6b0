import { expect, test } from 'vitest';
import { createIndexAdviser, type IndexReport, type Measurement } from '../../src/ops/advisor/index.ts';
import { adviceLife } from '../support/advice-life.ts';
import { testFolder } from '../support/folder.ts';

const patient = { timeout: 60_000, interval: 100 };

test('an index that was planned on a twin for the workload of history is applied, measured and kept', async () => {
  await using life = await adviceLife();
  const { database, kept, targetId } = life;
  await database.query(`
    CREATE TABLE orders (id int PRIMARY KEY, customer int, note text);
    INSERT INTO orders SELECT n, n % 5000, repeat('x', 100) FROM generate_series(1, 20000) n;
    ANALYZE orders`);
  const work = async () => {
    for (let at = 0; at < 60; at++) {
      await database.query('SELECT count(note) FROM orders WHERE customer = $1', [at]);
      await database.query('UPDATE orders SET note = $2 WHERE id = $1', [at, 'y']);
    }
  };
  await life.traffic(60, work, 3600);
  const advisor = life.advisor({ indexAdviser: createIndexAdviser({ backend: 'twin', dataDir: testFolder() }) });
  await advisor.run('indexes', { by: 'ann' });
  await expect.poll(() => advisor.status().running, patient).toBeNull();
  expect(advisor.status().failure).toBeNull();
  const run = await kept.store.advice.lastRun({ targetId, kind: 'indexes', finished: true });
  const report = run?.report as IndexReport;
  expect(report).toMatchObject({ backend: 'twin', workload: { source: 'history' }, indexes: [{ table: 'orders' }] });
  expect(report.cost.after).toBeLessThan(report.cost.before);
  const [advice] = await kept.store.advice.list({ targetId });
  expect(advice).toMatchObject({ state: 'planned', kind: 'create-index', check: 'missing-index' });
  expect(advice?.finding).toMatchObject({ affected: [{ text: expect.stringContaining('customer = $1') }] });
  const id = advice?.id ?? 0;

  await advisor.apply(id, { by: 'ann', force: true });
  await expect.poll(async () => (await life.read(id)).state, patient).toBe('measuring');
  await life.age(id, 55);
  await life.trafficUntil(id, 'kept', work);
  const { measurement } = await life.read(id);
  const { verdict, statements } = measurement as Measurement;
  expect(verdict).toBe('better');
  expect(statements.map(({ role }) => role).toSorted()).toEqual(['planned', 'write']);
  // What exists is advised no more; that it was kept stays known.
  await advisor.run('indexes', { by: 'ann' });
  await expect.poll(() => advisor.status().running, patient).toBeNull();
  expect(await life.read(id)).toMatchObject({ state: 'kept' });
}, 120_000);

test('while history is young, what pg_stat_statements has counted is the workload', async () => {
  await using life = await adviceLife();
  await life.database.query('CREATE TABLE orders (id int PRIMARY KEY, customer int)');
  await life.traffic(60, () => life.database.query('SELECT count(*) FROM orders WHERE customer = $1', [7]), 600);
  const advisor = life.advisor({ indexAdviser: createIndexAdviser({ backend: 'twin', dataDir: testFolder() }) });
  await advisor.run('indexes', { by: 'ann' });
  await expect.poll(() => advisor.status().running, patient).toBeNull();
  const run = await life.kept.store.advice.lastRun({ targetId: life.targetId, kind: 'indexes', finished: true });
  expect(run?.report).toMatchObject({ workload: { source: 'pg_stat_statements' } });
});
