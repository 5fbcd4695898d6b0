import { Logger, makeWorkerUtils, run, runOnce, type TaskList } from 'graphile-worker';
import { expect, test } from 'vitest';
import { Pool } from '../../../src/index.ts';
import { testDatabase } from '../../support/postgres.ts';

const logger = new Logger(() => () => {});

test('jobs are added and worked on, woken by LISTEN, in transactions, and retried', async () => {
  await using database = await testDatabase();
  await using pool = new Pool({ connectionString: database.url });
  await database.query('CREATE TABLE done (n int)');
  const taskList: TaskList = {
    count: async (payload, { withPgClient }) => {
      const { n } = payload as { n: number };
      await withPgClient((client) => client.query('INSERT INTO done VALUES ($1)', [n]));
    },
    fail: async () => {
      throw new Error('on purpose');
    },
  };
  const runner = await run({
    pgPool: pool,
    taskList,
    concurrency: 4,
    noHandleSignals: true,
    logger,
    // What is not found by polling was told by NOTIFY.
    pollInterval: 600_000,
    crontab: '* * * * * count ?id=each_minute {n:-1}',
  });
  const failed: string[] = [];
  runner.events.on('job:error', ({ job }) => failed.push(job.task_identifier));
  for (let n = 0; n < 20; n++) await runner.addJob('count', { n });
  await runner.addJob('fail', {}, { maxAttempts: 1 });
  await expect
    .poll(async () => (await database.query('SELECT n FROM done WHERE n >= 0')).length, { timeout: 20_000 })
    .toBe(20);
  await expect.poll(() => failed).toEqual(['fail']);
  await runner.stop();
  const inUse = (): number => pool.stats().endpoints.reduce((sum, { open, idle }) => sum + open - idle, 0);
  await expect.poll(inUse).toBe(0);
});

test('once and by its utilities', async () => {
  await using database = await testDatabase();
  await using pool = new Pool({ connectionString: database.url });
  const utils = await makeWorkerUtils({ pgPool: pool, logger });
  await utils.migrate();
  await utils.addJobs([
    { identifier: 'note', payload: { n: 1 } },
    { identifier: 'note', payload: { n: 2 } },
  ]);
  const seen: unknown[] = [];
  await runOnce({
    pgPool: pool,
    noHandleSignals: true,
    logger,
    taskList: { note: (payload) => void seen.push(payload) },
  });
  expect(seen).toEqual([{ n: 1 }, { n: 2 }]);
  await utils.release();
  expect(pool.ended).toBe(false);
});
