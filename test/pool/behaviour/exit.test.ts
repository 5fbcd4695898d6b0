import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

/** Runs a script that has `pool`, made with these options, and gives what it wrote and how it ended. */
async function run(options: string, script: string): Promise<{ code: number | null; written: string; took: number }> {
  const source = `
    import { Pool } from ${JSON.stringify(new URL('../../../src/index.ts', import.meta.url).href)};
    const pool = new Pool({ connectionString: ${JSON.stringify(database.url)}, ...(${options}) });
    ${script}
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let written = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (written += String(chunk)));
  const began = performance.now();
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { code, written: written.trim(), took: performance.now() - began };
}

const many = `await Promise.all(Array.from({ length: 8 }, () => pool.query('SELECT pg_sleep(0.05)')));`;
const quick = `for (let i = 0; i < 50; i++) await pool.query('SELECT $1::int AS n', [i]);`;

describe('a script that forgets pool.end() ends', () => {
  test.each([
    ['at once with allowExitOnIdle', '{ allowExitOnIdle: true, idleTimeoutMillis: 600000 }', many],
    ['at once with nothing but what min keeps', '{ min: 8, idleTimeoutMillis: 600000 }', many],
    ['at once with shared connections', '{ allowExitOnIdle: true, idleTimeoutMillis: 600000 }', quick],
    ['when what is above min has been idle', '{ idleTimeoutMillis: 500 }', many],
    ['when it has lent a client', '{ idleTimeoutMillis: 500 }', `(await pool.connect()).release();`],
  ])('%s', async (_name, options, script) => {
    expect(await run(options, `${script} console.log('done');`)).toMatchObject({ code: 0, written: 'done' });
  });

  test('though it never used its pool', async () => {
    expect(await run('{}', '')).toMatchObject({ code: 0, written: '' });
  });
});

test('a script that waits for an answer does not end before it', async () => {
  const script = `pool.query('SELECT pg_sleep(0.3)').then(() => console.log('answered'));`;
  expect(await run('{ allowExitOnIdle: true }', script)).toMatchObject({ code: 0, written: 'answered' });
  const client = `pool.connect().then((client) => client.query('SELECT pg_sleep(0.3)')).then(() => { console.log('answered'); process.exit(0); });`;
  expect(await run('{ allowExitOnIdle: true }', client)).toMatchObject({ code: 0, written: 'answered' });
});

test('what a callback throws is an uncaught exception, after which the pool goes on', async () => {
  const script = `
    ${quick}
    const caught = [];
    process.on('uncaughtException', (error) => caught.push(error.message));
    const answers = Array.from({ length: 40 }, (_, i) => pool.query('SELECT $1::int AS n', [i]));
    for (let i = 0; i < 10; i++) pool.query('SELECT $1::int AS n', [i], () => { throw new Error('in a callback'); });
    pool.connect((error, client, release) => { release(); throw new Error('in connect'); });
    const rows = (await Promise.all(answers)).map(({ rows }) => rows[0].n);
    await pool.end();
    console.log(rows.every((n, i) => n === i), caught.length, new Set(caught).size);
  `;
  expect(await run('{}', script)).toMatchObject({ code: 0, written: 'true 11 2' });
});
