import pg from 'pg';
import { expect, test } from 'vitest';
import { Pool, type PoolOptions } from '../../src/client/pool/index.ts';
import { scratchServer } from '../support/postgres.ts';
import { outcomes, warmLane } from '../support/shared-lane.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';

const open = (connectionString: string, options: PoolOptions = {}): Pool =>
  new Pool({ connectionString, connectionTimeoutMillis: 500, failoverTimeoutMillis: 0, ...options });

/** How 20 callers at once fare: their rows, or the codes of their errors. */
async function callers(pool: Pool): Promise<unknown[]> {
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => pool.query('SELECT 1 AS one')));
  return [...new Set(results.map((each) => (each.status === 'fulfilled' ? 'served' : codeOf(each.reason))))];
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

test('a server that is away, restarts at once or is slow to start: callers hear of it in time, and are served when it is back', async () => {
  await using server = await scratchServer();
  await using pool = open(server.url(), { connectionTimeoutMillis: 10_000, failoverTimeoutMillis: 300 });
  expect(await callers(pool)).toEqual(['served']);

  await server.whileStopped(async () => {
    expect(await callers(pool)).toEqual(['ECONNREFUSED']);
    expect(pool.waitingCount).toBe(0);
  });
  expect(await callers(pool)).toEqual(['served']);

  // Cold, and its server comes meanwhile.
  await using patient = open(server.url(), { connectionTimeoutMillis: 20_000, failoverTimeoutMillis: 20_000 });
  let waiting: Promise<unknown[]> | undefined;
  await server.whileStopped(async () => {
    waiting = callers(patient);
    await expect.poll(() => patient.waitingCount).toBe(20);
  });
  expect(await waiting).toEqual(['served']);
});

test('a network that says nothing: callers hear of it in time, and are served when it speaks again', async () => {
  await using server = await scratchServer();
  await using proxy = await tcpProxy(server.url());
  await using pool = open(proxy.url(server.url()));
  proxy.silence();
  const codes = async (): Promise<void> => {
    const [code] = await callers(pool);
    expect(code).toMatch(/timeout expired|E_POOL_TIMEOUT/);
  };
  await codes();
  await codes();
  proxy.resume();
  await expect.poll(() => callers(pool)).toEqual(['served']);
  await expect.poll(() => pool.stats().endpoints[0]?.opening).toBe(0);
});

test('an application that waits for ever is served when a server that hung is back', async () => {
  await using server = await scratchServer();
  await using proxy = await tcpProxy(server.url());
  await using pool = open(proxy.url(server.url()), { connectionTimeoutMillis: 0, failoverTimeoutMillis: 20_000 });
  proxy.refuse(true);
  const waiting = callers(pool);
  await expect.poll(() => proxy.accepted).toBeGreaterThan(2);
  proxy.refuse(false);
  expect(await waiting).toEqual(['served']);
});

test('however many wait, a server that is away is tried by few and less and less often, and not stormed when it is back', async () => {
  await using server = await scratchServer();
  await using proxy = await tcpProxy(server.url());
  let opening = 0;
  let most = 0;
  await using pool = open(proxy.url(server.url()), {
    max: 20,
    connectionTimeoutMillis: 60_000,
    failoverTimeoutMillis: 3000,
    onConnect: async (client) => {
      opening += 1;
      most = Math.max(most, opening);
      await client.query('SELECT pg_sleep(0.05)');
      opening -= 1;
    },
  });
  proxy.refuse(true);
  const inVain = await Promise.allSettled(Array.from({ length: 300 }, () => pool.query('SELECT pg_sleep(0.01)')));
  expect(new Set(inVain.map(({ status }) => status))).toEqual(new Set(['rejected']));
  // Waiting doubles from 50 ms to a second: in three seconds there is time for about eight tries, by two connections each.
  expect(proxy.accepted).toBeGreaterThan(2);
  expect(proxy.accepted).toBeLessThan(40);

  proxy.refuse(false);
  await Promise.all(Array.from({ length: 300 }, () => pool.query('SELECT pg_sleep(0.01)')));
  // As many as there are, or two: never all of them together.
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(10);
});

test('sessions on a server that refuses writes are not kept: the next ones may reach another', async () => {
  await using server = await scratchServer();
  const observer = outcomes();
  await using pool = new Pool({ connectionString: server.url(), lanes: 1, laneLimitMillis: 5000, observer });
  await pool.query('CREATE TABLE ledger (id int NOT NULL)');
  const write = 'INSERT INTO ledger VALUES ($1)';
  // As after a failover behind one name: old sessions stay read-only, new ones are not.
  const admin = new pg.Client(server.url());
  await admin.connect();
  await admin.query('ALTER ROLE CURRENT_USER SET default_transaction_read_only = on');
  await using stale = new Pool({ connectionString: server.url(), lanes: 1, laneLimitMillis: 5000, observer });
  await expect(stale.query(write, [1])).rejects.toMatchObject({ code: '25006' });
  await admin.query('ALTER ROLE CURRENT_USER RESET default_transaction_read_only');
  await admin.end();
  await stale.query(write, [2]);
  await warmLane(stale, observer, [[write, [3]]]);
  expect((await pool.query('SELECT 1 FROM ledger WHERE id = 1')).rowCount).toBe(0);
});
