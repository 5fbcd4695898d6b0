import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { testedMajors } from '../../../../test/support/postgres.ts';
import { eventually, type Replicated, replicatedServers } from '../../../../test/support/replicated.ts';
import type { HostAddress } from '../host.ts';
import { createTopology, type HostState, type Topology } from '../topology/index.ts';
import { type Consistency, createConsistency } from './index.ts';

let servers: Replicated;
beforeAll(async () => {
  servers = await replicatedServers();
  await servers.query(servers.primary, 'CREATE TABLE written (writer int, n int, PRIMARY KEY (writer, n))');
  await servers.query(servers.primary, 'GRANT ALL ON written TO app');
});
afterAll(() => servers[Symbol.asyncDispose]());

const at = (server: { port: number }): HostAddress => ({ host: '127.0.0.1', port: server.port });

interface Watched extends AsyncDisposable {
  topology: Topology;
  consistency: Consistency;
  replicas: readonly [HostState, HostState];
  /** One statement as the role without rights. */
  run(host: HostState, text: string, values?: unknown[]): Promise<pg.QueryResult>;
}

/** Probes so seldom that only what reads ask for can bring news. */
async function watching(probeIntervalMs = 60_000, { primary, replicas, app } = servers): Promise<Watched> {
  await using stack = new AsyncDisposableStack();
  const hosts = [primary, ...replicas].map(at);
  const topology = createTopology({ hosts, connection: app, probeIntervalMs });
  stack.defer(() => topology.stop());
  await topology.start();
  const consistency = createConsistency({ topology });
  stack.defer(() => consistency.stop());
  await eventually(() => topology.replicas()).toHaveLength(2);
  const [one, two] = topology.replicas();
  if (!one || !two) throw new Error('there are two replicas');
  const clients = new Map<HostState, pg.Client>();
  for (const host of topology.hosts()) {
    const client = new pg.Client({ ...app, ...host.address });
    await client.connect();
    stack.defer(() => client.end());
    clients.set(host, client);
  }
  const owned = stack.move();
  return {
    topology,
    consistency,
    replicas: [one, two],
    async run(host, text, values) {
      const client = clients.get(host);
      if (!client) throw new Error('no such host');
      return client.query(text, values);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function primaryOf(topology: Topology): HostState {
  const primary = topology.primary();
  if (!primary) throw new Error('there is a primary');
  return primary;
}

let next = 0;
const write = async ({ topology, run }: Watched): Promise<number> => {
  next += 1;
  await run(primaryOf(topology), 'INSERT INTO written VALUES (0, $1)', [next]);
  return next;
};

async function paused(replica: { port: number }): Promise<AsyncDisposable> {
  const server = servers.replicas.find(({ port }) => port === replica.port);
  if (!server) throw new Error('no such replica');
  await servers.query(server, 'SELECT pg_wal_replay_pause()');
  return { [Symbol.asyncDispose]: async () => void (await servers.query(server, 'SELECT pg_wal_replay_resume()')) };
}

test('who has written nothing may read from any replica', async () => {
  await using watched = await watching();
  const { consistency, topology, replicas } = watched;
  expect(replicas.map((host) => consistency.mayRead(host))).toEqual([true, true]);
  expect(consistency.mayRead(primaryOf(topology))).toBe(true);
  await write(watched);
  consistency.wrote();
  expect(replicas.map((host) => consistency.mayRead(host))).toEqual([false, false]);
  expect(replicas.map((host) => consistency.mayRead(host, {}))).toEqual([true, true]);
  expect(consistency.mayRead(primaryOf(topology))).toBe(true);
});

test('after a write, reads return to the replicas once these are known to have it', async () => {
  await using watched = await watching();
  const { consistency, replicas, run } = watched;
  const scope = {};
  const n = await write(watched);
  consistency.wrote(scope);
  for (const host of replicas) {
    await eventually(() => consistency.mayRead(host, scope)).toBe(true);
    expect((await run(host, 'SELECT FROM written WHERE n = $1', [n])).rowCount).toBe(1);
    // Without a scope the reader is the whole process, which has written no more than that.
    await eventually(() => consistency.mayRead(host)).toBe(true);
  }
});

test('a replica that does not replay is not read from by who has written, while the other is', async () => {
  await using watched = await watching();
  const { consistency, replicas } = watched;
  const [one, two] = replicas;
  await using pause = await paused(one.address);
  const [mine, others] = [{}, {}];
  await write(watched);
  consistency.wrote(mine);
  await eventually(() => consistency.mayRead(two, mine)).toBe(true);
  expect(consistency.mayRead(one, mine)).toBe(false);
  expect(consistency.mayRead(one)).toBe(false);
  expect(consistency.mayRead(one, others)).toBe(true);
  await pause[Symbol.asyncDispose]();
  await eventually(() => consistency.mayRead(one, mine)).toBe(true);
});

const unreached = 0xffff_ffff_0000_0000n;

test('a server before PostgreSQL 19 cannot wait until it has replayed, and is not told to', async () => {
  await using watched = await watching();
  const { replicas, topology } = watched;
  const [one] = servers.replicas;
  const failed = `SELECT sum(xact_rollback)::int AS failed FROM pg_stat_database`;
  const before = await servers.query(one, failed);
  for (const { name } of replicas) expect(await topology.probe(name, unreached)).toMatchObject({ waited: false });
  // The session has told what it did once it has ended.
  await topology.stop();
  const sessions = `SELECT 1 FROM pg_stat_activity WHERE application_name LIKE '%probe'`;
  await eventually(() => servers.query(one, sessions)).toEqual([]);
  expect(await servers.query(one, failed)).toEqual(before);
});

test.each(testedMajors(19))('PostgreSQL %i waits until it has replayed, for a moment', async (major) => {
  await using own = await replicatedServers(major);
  await using watched = await watching(60_000, own);
  const { replicas, topology } = watched;
  for (const { name, replayedLsn = unreached } of replicas) {
    expect(await topology.probe(name, replayedLsn)).toMatchObject({ waited: true });
    expect(await topology.probe(name, unreached)).toMatchObject({ waited: true });
  }
});

test('a token carries what was written to another process', async () => {
  await using writer = await watching();
  await using reader = await watching();
  const scope = {};
  const [one] = reader.replicas;
  const pause = await paused(one.address);
  try {
    const before = await reader.consistency.token();
    await write(writer);
    writer.consistency.wrote(scope);
    const token = await writer.consistency.token(scope);
    expect(await writer.consistency.token(scope)).toBe(token);
    const request = {};
    expect(reader.consistency.mayRead(one, request)).toBe(true);
    reader.consistency.atLeast(request, token);
    // An older one takes nothing back.
    reader.consistency.atLeast(request, before);
    expect(reader.consistency.mayRead(one, request)).toBe(false);
    expect(reader.consistency.mayRead(one)).toBe(true);
  } finally {
    await pause[Symbol.asyncDispose]();
  }
  const request = {};
  reader.consistency.atLeast(request, await writer.consistency.token(scope));
  await eventually(() => reader.consistency.mayRead(one, request)).toBe(true);
  expect(() => reader.consistency.atLeast(request, 'nonsense')).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
});

test('questions to the primary are few, however many ask', async () => {
  await using watched = await watching();
  const { consistency, topology, replicas } = watched;
  const asked = vi.spyOn(topology, 'probe');
  await write(watched);
  const scopes = Array.from({ length: 1000 }, () => ({}));
  for (const scope of scopes) consistency.wrote(scope);
  for (const scope of scopes) for (const host of replicas) consistency.mayRead(host, scope);
  await eventually(() => scopes.every((scope) => consistency.mayRead(replicas[0], scope))).toBe(true);
  const primary = primaryOf(topology).name;
  expect(asked.mock.calls.filter(([name]) => name === primary)).toHaveLength(1);
});

test('the end of a page or segment hides no replica', async () => {
  await using watched = await watching();
  const { consistency, replicas } = watched;
  const [one] = replicas;
  for (let i = 0; i < 3; i += 1) {
    const scope = {};
    await write(watched);
    // Now the next record would begin behind the header of a new segment, where no replica gets to by itself.
    await servers.query(servers.primary, 'SELECT pg_switch_wal()');
    consistency.wrote(scope);
    await eventually(() => consistency.mayRead(one, scope)).toBe(true);
  }
});

test('a token of a single host', async () => {
  const topology = createTopology({ hosts: [at(servers.primary)], connection: servers.app });
  const consistency = createConsistency({ topology });
  consistency.wrote();
  expect(consistency.mayRead(primaryOf(topology))).toBe(true);
  expect(await consistency.token()).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
  await topology.stop();
});
