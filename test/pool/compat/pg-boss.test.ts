import { PgBoss } from 'pg-boss';
import { expect, test } from 'vitest';
import { Pool } from '../../../src/index.ts';
import { testDatabase } from '../../support/postgres.ts';

test('queues, jobs, retries and schedules', async () => {
  await using database = await testDatabase();
  await using pool = new Pool({ connectionString: database.url });
  const db = { executeSql: (text: string, values?: unknown[]) => pool.query(text, values) };
  const boss = new PgBoss({ db });
  const errors: unknown[] = [];
  boss.on('error', (error) => errors.push(error));
  await boss.start();
  await boss.createQueue('mail', { retryLimit: 1, retryDelay: 0 });
  const seen: number[] = [];
  let tries = 0;
  await boss.work<{ n: number }>('mail', { batchSize: 5, pollingIntervalSeconds: 0.5 }, async (jobs) => {
    tries += 1;
    if (tries === 1) throw new Error('try again');
    for (const { data } of jobs) seen.push(data.n);
  });
  for (let n = 0; n < 10; n++) await boss.send('mail', { n });
  await boss.insert('mail', [{ data: { n: 10 } }, { data: { n: 11 } }]);
  await boss.schedule('mail', '0 3 * * *', { n: 99 });
  await expect
    .poll(() => seen.toSorted((a, b) => a - b), { timeout: 30_000 })
    .toEqual(Array.from({ length: 12 }, (_, n) => n));
  expect((await boss.getSchedules()).map(({ name }) => name)).toEqual(['mail']);
  await boss.stop({ graceful: true, close: false });
  expect(errors).toEqual([]);
});
