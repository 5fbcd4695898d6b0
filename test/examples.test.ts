import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type RunningCommand, startNode } from './support/command.ts';
import { type TestDatabase, testDatabase } from './support/postgres.ts';
import { replicatedServers } from './support/replicated.ts';

const root = join(import.meta.dirname, '..');
const tables = readFileSync(join(root, 'examples', 'shop.sql'), 'utf8');

/** Examples import the package by its name: here that is the source, so that nothing has to be built. */
const source = JSON.stringify(new URL('../src/index.ts', import.meta.url).href);
const asPackage = `
  import { registerHooks } from 'node:module';
  registerHooks({
    resolve: (specifier, context, next) => next(specifier === 'pitcrew' ? ${source} : specifier, context),
  });
`;
const imported = `--import=data:text/javascript,${encodeURIComponent(asPackage)}`;

async function shop(): Promise<TestDatabase> {
  const database = await testDatabase();
  onTestFinished(() => database[Symbol.asyncDispose]());
  await database.query(tables);
  return database;
}

/** Starts an example; whatever it leaves open would keep it from ending. */
function start(args: string[], env: Record<string, string>): RunningCommand {
  const running = startNode([imported, ...args], { cwd: root, env });
  onTestFinished(() => void running.child.kill('SIGKILL'));
  return running;
}

/** Runs an example to its end, and gives what it wrote. */
async function output(args: string[], env: Record<string, string>): Promise<string> {
  const { code, stdout, stderr } = await start(args, env).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

interface Served {
  url: string;
  /** Stops it as a supervisor does; it has to end by itself. */
  stop(): Promise<void>;
}

async function serve(name: string, env: Record<string, string>): Promise<Served> {
  const running = start([`examples/${name}`], { ...env, PORT: '0' });
  const [, port] = await running.saw(/listening.*port: (\d+)/);
  return {
    url: `http://localhost:${port}`,
    async stop() {
      running.child.kill('SIGTERM');
      expect(await running.ended).toMatchObject({ code: 0, stderr: '' });
    },
  };
}

test.each(['express.ts', 'fastify.ts'])('%s: an API, ended in good order', async (name) => {
  const database = await shop();
  const { url, stop } = await serve(name, { DATABASE_URL: database.url });
  expect(await (await fetch(`${url}/customers/1`)).json()).toEqual({ id: 1, name: 'Customer 1', balance: 100 });
  expect((await fetch(`${url}/customers/999`)).status).toBe(404);
  const ordered = await fetch(`${url}/customers/1/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ total: 40 }),
  });
  expect([ordered.status, await ordered.json()]).toEqual([201, { id: 101 }]);
  expect(await (await fetch(`${url}/customers/1`)).json()).toMatchObject({ balance: 60 });
  await stop();
});

test('next-route.ts: one pool however often the module is loaded', async () => {
  const database = await shop();
  const script = `
    const { GET, pool } = await import('./examples/next-route.ts');
    const again = await import('./examples/next-route.ts?changed');
    const ask = async (handler, id) => {
      const response = await handler(new Request('http://shop/api/customers/' + id), { params: Promise.resolve({ id }) });
      return [response.status, await response.text()];
    };
    const answers = [await ask(GET, '2'), await ask(again.GET, '999')];
    const scopes = pool.telemetry.snapshot().scopes.map(({ name, scopes }) => [name, scopes]);
    console.log(JSON.stringify({ same: again.pool === pool, changed: again.GET !== GET, answers, scopes }));
    await pool.end();
  `;
  const written = await output(['--input-type=module', '--eval', script], { DATABASE_URL: database.url });
  expect(JSON.parse(written)).toEqual({
    same: true,
    changed: true,
    answers: [
      [200, '{"id":2,"name":"Customer 2","balance":100}'],
      [404, ''],
    ],
    scopes: [['GET /api/customers/[id]', 2]],
  });
});

test.each([
  ['drizzle.ts', "[ { name: 'Ada', total: 42 } ]"],
  ['kysely.ts', "[ { name: 'Grace', total: 42 } ]"],
])('%s: answers, and the lines of the application', async (name, answer) => {
  const database = await shop();
  const written = await output([`examples/${name}`], { DATABASE_URL: database.url });
  expect(written).toContain(answer);
  expect(written).toMatch(new RegExp(`^examples/${name}:\\d+ select `, 'm'));
});

test('transactions.ts', async () => {
  const database = await shop();
  const written = await output(['examples/transactions.ts'], { DATABASE_URL: database.url });
  expect(written.split('\n')).toEqual([
    expect.stringMatching(/^5 transfers in \d+ attempts; the sum was 200 and is 200$/),
    'refused: not enough',
    'without a gift: division by zero',
    'mail sent to Barbara',
    'E_TRANSACTION',
    '',
  ]);
  expect(await database.query('SELECT balance FROM customers WHERE id IN (1, 2) ORDER BY id')).toEqual([
    { balance: 84 },
    { balance: 116 },
  ]);
  expect(await database.query('SELECT name, balance FROM customers WHERE id > 20')).toEqual([
    { name: 'Barbara', balance: 100 },
  ]);
});

test('telemetry.ts: slow and repeated statements with their lines', async () => {
  const database = await shop();
  const written = await output(['examples/telemetry.ts'], { DATABASE_URL: database.url });
  const [, slowLine] =
    /^slow: examples\/telemetry\.ts:(\d+) in GET \/report: \d+ ms for .* with number$/m.exec(written) ?? [];
  const [, repeatedLine] =
    /^repeated: examples\/telemetry\.ts:(\d+) in GET \/customers: 20 calls of .*customer_id = \$1$/m.exec(written) ??
    [];
  const lines = readFileSync(join(root, 'examples/telemetry.ts'), 'utf8').split('\n');
  expect(lines[Number(slowLine) - 1]).toContain('pg_sleep($1)');
  expect(lines[Number(repeatedLine) - 1]).toContain('WHERE customer_id = $1');
  // On a busy machine others may be slow, too.
  expect(written.match(/^slow: .* in GET \/report:/gm)).toHaveLength(1);
  expect(written.match(/^repeated:/gm)).toHaveLength(1);
  expect(written).toMatch(/examples\/telemetry\.ts:\d+' │ 1 .*'SELECT customer_id, sum\(total\)/);
});

test('replicas.ts: the next process shows what the last one wrote to whoever has its token', async () => {
  await using servers = await replicatedServers();
  const { primary, replicas, app } = servers;
  await servers.query(primary, tables);
  await servers.query(primary, 'GRANT ALL ON ALL TABLES IN SCHEMA public TO app');
  for (const replica of replicas) {
    await expect
      .poll(() => servers.query(replica, `SELECT has_table_privilege('app', to_regclass('orders'), 'UPDATE') AS ready`))
      .toEqual([{ ready: true }]);
  }
  const env = {
    DATABASE_URL: `postgres://${app.user}:${encodeURIComponent(app.password)}@127.0.0.1/${app.database}`,
    HOSTS: [primary, ...replicas].map(({ port }) => `127.0.0.1:${port}`).join(','),
  };
  const [one, other] = [await serve('replicas.ts', env), await serve('replicas.ts', env)];
  const balance = async (process: Served, cookie?: string): Promise<unknown> => {
    const response = await fetch(`${process.url}/customers/1`, { headers: cookie === undefined ? {} : { cookie } });
    return ((await response.json()) as { balance: number }).balance;
  };
  for (const replica of replicas) await servers.query(replica, 'SELECT pg_wal_replay_pause()');
  const written = await fetch(`${one.url}/customers/1`, { method: 'POST' });
  const [cookie] = written.headers.getSetCookie().map((each) => each.split(';', 1)[0]);
  expect(await written.json()).toEqual({ id: 1, balance: 101 });
  // Whoever has written nothing is served by a replica, which lacks it.
  expect([await balance(other), await balance(other, cookie)]).toEqual([100, 101]);
  for (const replica of replicas) await servers.query(replica, 'SELECT pg_wal_replay_resume()');
  await expect.poll(() => balance(other)).toBe(101);
  await one.stop();
  await other.stop();
});

test('query-cache.ts: a change by another client is seen, and most answers come from memory', async () => {
  const database = await shop();
  const written = await output(['examples/query-cache.ts'], { DATABASE_URL: database.url });
  expect(written).toContain('{ before: 100, after: 70, back: 100 }');
  expect(written).toMatch(/of 1,000 answers from memory, few loads/);
});
