import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Pool, type PoolOptions } from '../../src/client/pool/index.ts';
import { clusterPool, type ClusterPool, named } from '../support/cluster-pool.ts';
import { testDatabase } from '../support/postgres.ts';
import { eventually, type Replicated, replicatedServers } from '../support/replicated.ts';

let servers: Replicated;
beforeAll(async () => {
  servers = await replicatedServers();
});
afterAll(() => servers[Symbol.asyncDispose]());

interface Seen {
  replica: boolean;
  limit: string;
}

const look = `SELECT pg_is_in_recovery() AS replica, current_setting('statement_timeout') AS "limit"`;
const primary = (limit: string): Seen => ({ replica: false, limit });
const replica = (limit: string): Seen => ({ replica: true, limit });

/** A pool that knows both replicas. */
async function open(options: PoolOptions = {}): Promise<ClusterPool> {
  const pool = clusterPool(servers, { statement_timeout: 20_000, ...options });
  // Several at once: one after the other all may go to the nearer one.
  const reads = (): Promise<unknown>[] => Array.from({ length: 10 }, () => pool.read.query('SELECT 1'));
  await eventually(async () => {
    await Promise.all(reads());
    const readFrom = new Set(pool.outcomes.map(({ endpoint }) => endpoint));
    return servers.replicas.map((server) => readFrom.has(named(server)));
  }).toEqual([true, true]);
  pool.outcomes.length = 0;
  return pool;
}

test('reading, writing and reports have connections, sizes and limits of their own', async () => {
  await using pool = await open({
    max: 6,
    replicas: { max: 3, min: 0, statement_timeout: 30_000 },
    analytics: { max: 2, statement_timeout: 600_000 },
  });
  const { executeRead, executeWrite } = pool;
  const seen = async (answer: Promise<{ rows: Seen[] }>): Promise<Seen | undefined> => (await answer).rows[0];
  expect(await seen(pool.write.query<Seen>(look))).toEqual(primary('20s'));
  expect(await seen(executeWrite<Seen>(look))).toEqual(primary('20s'));
  expect(await seen(pool.read.query<Seen>(look))).toEqual(replica('30s'));
  expect(await seen(executeRead<Seen>(look))).toEqual(replica('30s'));
  expect(await seen(pool.analytics.query<Seen>(look))).toEqual(replica('10min'));
  // By what the text says.
  expect(await seen(pool.query<Seen>(look))).toEqual(replica('30s'));

  expect(await pool.read.transaction((client) => seen(client.query<Seen>(look)))).toEqual(replica('30s'));
  expect(await pool.analytics.transaction((client) => seen(client.query<Seen>(look)))).toEqual(replica('10min'));
  const lent = await pool.analytics.connect();
  expect(await seen(lent.query<Seen>(look))).toEqual(replica('10min'));
  lent.release();
  // Whatever they do, from here on this process has written.
  expect(await pool.transaction((client) => seen(client.query<Seen>(look)))).toEqual(primary('20s'));
  expect(await seen(pool.query<Seen>(`SELECT l.* FROM (${look}) l FOR UPDATE`))).toEqual(primary('20s'));

  const sizes = pool.stats().endpoints.map(({ role, max }) => `${role} ${max}`);
  expect(new Set(sizes)).toEqual(new Set(['primary 6', 'replica 3', 'analytics 2']));
  const endpoints = pool.stats().endpoints.filter(({ role }) => role === 'analytics');
  for (const { lanes } of endpoints) expect(lanes).toBe(0);
  expect(endpoints).not.toEqual([]);
});

test('reports that hold all of their connections hold up nobody else', async () => {
  await using pool = await open({ analytics: { max: 1 }, connectionTimeoutMillis: 2000 });
  const held: pg.PoolClient[] = [];
  try {
    // The nearer replica would answer first if it had a connection left: the second report goes to the other one.
    for (let i = 0; i < 2; i++) held.push(await pool.analytics.connect());
    // And there is no third.
    await expect(pool.analytics.query('SELECT 1')).rejects.toMatchObject({ code: 'E_POOL_TIMEOUT' });
    expect((await pool.read.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    expect((await pool.write.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  } finally {
    for (const client of held) client.release();
  }
});

test('reads stay on the primary where that is wanted', async () => {
  await using pool = await open({ replicas: { automatic: false } });
  const where = 'SELECT pg_is_in_recovery() AS replica';
  expect((await pool.query(where)).rows).toEqual([{ replica: false }]);
  expect((await pool.read.query(where)).rows).toEqual([{ replica: true }]);
});

test.each(['roundRobin', 'random', 'leastBusy', 'powerOfTwoChoices', 'latencyWeighted'] as const)(
  'balanced by %s',
  async (balancing) => {
    await using pool = await open({ replicas: { balancing } });
    for (let i = 0; i < 40; i++) await pool.query('SELECT count(*) FROM pg_class');
    const counts = servers.replicas.map(
      (server) => pool.outcomes.filter(({ endpoint }) => endpoint === named(server)).length,
    );
    expect(counts.reduce((sum, count) => sum + count)).toBe(40);
    if (balancing === 'roundRobin') expect(counts).toEqual([20, 20]);
  },
);

test('a replica that lacks more than so many bytes is not read', async () => {
  const [one, two] = servers.replicas;
  await using pool = await open({ replicas: { maxLagBytes: 100_000, maxLagMillis: 600_000 } });
  await servers.query(one, 'SELECT pg_wal_replay_pause()');
  try {
    await servers.query(servers.primary, `SELECT pg_logical_emit_message(false, 'test', repeat('x', 200000))`);
    const readFrom = async (): Promise<Set<string>> => {
      pool.outcomes.length = 0;
      await Promise.all(Array.from({ length: 10 }, () => pool.read.query('SELECT 1')));
      return new Set(pool.outcomes.map(({ endpoint }) => endpoint));
    };
    await eventually(readFrom).toEqual(new Set([named(two)]));
    // For a moment the other one may have lacked as much.
    expect(pool.warnings).toContainEqual({
      code: 'replica-out',
      message: `${named(one)} is not read from`,
      detail: expect.stringMatching(/bytes behind, more than 100000/),
    });
  } finally {
    await servers.query(one, 'SELECT pg_wal_replay_resume()');
  }
  const back = { code: 'replica-back', message: `${named(one)} is read from again`, detail: undefined };
  await eventually(() => pool.warnings).toContainEqual(back);
});

test('hosts found by a function', async () => {
  let found: string[] = [named(servers.primary)];
  await using pool = clusterPool(servers, { hosts: async () => found });
  expect((await pool.read.query('SELECT pg_is_in_recovery() AS replica')).rows).toEqual([{ replica: false }]);
  found = [...found, ...servers.replicas.map(named)];
  await using other = await open({ hosts: async () => found });
  expect((await other.read.query('SELECT pg_is_in_recovery() AS replica')).rows).toEqual([{ replica: true }]);
});

test('with one server all go there, reports on connections of their own', async () => {
  await using database = await testDatabase();
  await using pool = new Pool({ connectionString: database.url, max: 1, lanes: 0, connectionTimeoutMillis: 2000 });
  const held = await pool.connect();
  await expect(pool.read.query('SELECT 1')).rejects.toMatchObject({ code: 'E_POOL_TIMEOUT' });
  expect((await pool.analytics.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  held.release();
  expect((await pool.executeRead('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  expect((await pool.executeWrite('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});
