import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { testDatabase } from '../support/postgres.ts';

/** Statements on shared connections, on own ones, and a transaction that holds a lock, all under way for ever. */
const application = `
  import { Pool } from './src/client/pool/index.ts';
  const pool = new Pool({ connectionString: process.env.DATABASE_URL, application_name: 'victim', max: 8 });
  void pool.transaction(async (client) => {
    await client.query('LOCK TABLE ledger IN SHARE ROW EXCLUSIVE MODE');
    await client.query('INSERT INTO ledger VALUES (-1)');
    for (let i = 0; i < 6; i++)
      void (async () => { for (;;) await pool.query('INSERT INTO journal VALUES ($1)', [i]); })();
    void (async () => { for (;;) await pool.query('SELECT pg_sleep(0.2)'); })();
    for (let i = 0; i < 200; i++) await client.query('SELECT count(*) FROM journal');
    console.log('under way');
    await new Promise(() => {});
  });
`;

test('a process that is killed in the middle of its work leaves nothing behind on the server', async () => {
  await using database = await testDatabase();
  await database.query('CREATE TABLE ledger (id int NOT NULL)');
  await database.query('CREATE TABLE journal (id int NOT NULL)');
  const child = spawn(process.execPath, ['--input-type=module', '--eval', application], {
    env: { ...process.env, DATABASE_URL: database.url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [said] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  expect(said).toBe('under way\n');
  const sessions = `SELECT count(*)::int AS open FROM pg_stat_activity WHERE application_name = 'victim'`;
  await expect.poll(async () => (await database.query<{ open: number }>(sessions))[0]?.open).toBeGreaterThan(2);
  child.kill('SIGKILL');
  await exited;
  await expect.poll(() => database.query(sessions)).toEqual([{ open: 0 }]);
  // Its lock is free, and what was not committed is gone.
  expect(await database.query('SELECT id FROM ledger')).toEqual([]);
  expect(await database.query('SELECT 1 FROM pg_locks WHERE relation = $1::regclass', ['ledger'])).toEqual([]);
  expect(await database.query('SELECT 1 FROM pg_prepared_xacts')).toEqual([]);
});
