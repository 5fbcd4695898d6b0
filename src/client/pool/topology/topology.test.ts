import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { eventually, frozen, type Replicated, replicatedServers } from '../../../../test/support/replicated.ts';
import { findPgBouncer, startPgBouncer } from '../../../../test/support/pgbouncer.ts';
import type { PoolWarning } from '../../observer.ts';
import type { HostAddress } from '../host.ts';
import { createTopology, type Topology, type TopologyOptions } from './index.ts';

let servers: Replicated;
beforeAll(async () => {
  servers = await replicatedServers();
});
afterAll(() => servers[Symbol.asyncDispose]());

const at = (server: { port: number }): HostAddress => ({ host: '127.0.0.1', port: server.port });
const named = (server: { port: number }): string => `127.0.0.1:${server.port}`;
const all = (): HostAddress[] => [servers.primary, ...servers.replicas].map(at);

/** A started topology that asks often, as the role without rights, and what it warned of. */
async function watching(
  options: Partial<TopologyOptions> = {},
): Promise<Topology & AsyncDisposable & { warnings: PoolWarning[] }> {
  const warnings: PoolWarning[] = [];
  const topology = createTopology({
    hosts: all(),
    connection: servers.app,
    probeIntervalMs: 50,
    observer: { warned: (warning) => warnings.push(warning) },
    ...options,
  });
  await topology.start();
  return Object.assign(topology, { warnings, [Symbol.asyncDispose]: () => topology.stop() });
}

async function probeSessions(): Promise<number> {
  const sql = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name LIKE '%probe'`;
  return (await servers.query<{ n: number }>(servers.primary, sql))[0]?.n ?? -1;
}

test('a role without rights finds the primary, and replicas with their positions', async () => {
  await using topology = await watching();
  expect(topology.primary()).toMatchObject({
    name: named(servers.primary),
    role: 'primary',
    healthy: true,
    timeline: 1,
  });
  await eventually(() => topology.replicas().map(({ name }) => name)).toEqual(servers.replicas.map(named));
  for (const replica of topology.replicas()) {
    expect(replica).toMatchObject({ role: 'replica', timeline: 1, pooled: false, reason: undefined });
    expect(replica.replayedLsn).toBeTypeOf('bigint');
    expect(replica.latencyMs).toBeGreaterThan(0);
  }
  await eventually(() => topology.replicas().map(({ lagMs }) => lagMs)).toEqual([0, 0]);
  expect(topology.warnings).toEqual([]);
});

test('a list of one host costs no connection, until it is asked', async () => {
  const before = await probeSessions();
  const only = at(servers.primary);
  await using topology = await watching({ hosts: [only] });
  expect(topology.primary()).toMatchObject({ name: named(servers.primary), healthy: true });
  topology.reportFailure(only, new Error('gone'));
  expect(await topology.awaitPrimary(0)).toBe(topology.primary());
  expect(await probeSessions()).toBe(before);
  const [one, two, three] = await Promise.all([1, 2, 3].map(() => topology.probe(named(servers.primary))));
  expect(one?.writtenLsn).toBeGreaterThan(0n);
  // Those who came later share one question.
  expect(three).toBe(two);
  expect(await probeSessions()).toBe(before + 1);
});

test('a replica that replays nothing leaves by its lag, and returns when it has caught up', async () => {
  await using topology = await watching({ maxLagMs: 300 });
  const [one] = servers.replicas;
  await eventually(() => topology.replicas()).toHaveLength(2);
  await servers.query(one, 'SELECT pg_wal_replay_pause()');
  try {
    await servers.query(servers.primary, 'CREATE TABLE IF NOT EXISTS lagging (); DROP TABLE lagging');
    await eventually(() => topology.hostState(named(one))?.healthy).toBe(false);
    expect(topology.hostState(named(one))).toMatchObject({ role: 'replica' });
    expect(topology.hostState(named(one))?.reason).toMatch(/ms behind, more than 300 ms/);
    expect(topology.hostState(named(one))?.lagBytes).toBeGreaterThan(0n);
    expect(topology.replicas().map(({ name }) => name)).toEqual([named(servers.replicas[1])]);
    expect(topology.warnings).toMatchObject([{ code: 'replica-out', message: `${named(one)} is not read from` }]);
  } finally {
    await servers.query(one, 'SELECT pg_wal_replay_resume()');
  }
  await eventually(() => topology.replicas()).toHaveLength(2);
  expect(topology.warnings.map(({ code }) => code)).toEqual(['replica-out', 'replica-back']);
});

test('a replica that is cut off from its primary is late, though it has replayed all that it received', async () => {
  const [, two] = servers.replicas;
  const [before] = await servers.query<{ primary_conninfo: string }>(two, 'SHOW primary_conninfo');
  const lead = async (conninfo: string): Promise<void> => {
    await servers.query(two, `ALTER SYSTEM SET primary_conninfo = '${conninfo.replaceAll("'", "''")}'`);
    await servers.query(two, 'SELECT pg_reload_conf()');
  };
  await using topology = await watching({ maxLagBytes: 1000, maxLagMs: 1e9 });
  await eventually(() => topology.replicas()).toHaveLength(2);
  await lead('host=127.0.0.1 port=1');
  try {
    const streaming = `SELECT 1 FROM pg_stat_replication WHERE application_name = 'two'`;
    await eventually(() => servers.query(servers.primary, streaming)).toEqual([]);
    await servers.query(servers.primary, `SELECT pg_logical_emit_message(false, 'test', repeat('x', 10000))`);
    await eventually(() => topology.hostState(named(two))?.reason).toMatch(/bytes behind, more than 1000/);
  } finally {
    await lead(before?.primary_conninfo ?? '');
  }
  await eventually(() => topology.replicas()).toHaveLength(2);
});

test('a host that hangs counts as down, and returns', async () => {
  await using topology = await watching({ probeTimeoutMs: 300 });
  const [one] = servers.replicas;
  await eventually(() => topology.replicas()).toHaveLength(2);
  {
    using _ = frozen(one);
    await eventually(() => topology.hostState(named(one))?.role).toBe('down');
    expect(topology.hostState(named(one))).toMatchObject({ healthy: false, reason: 'no answer within 300 ms' });
    expect(topology.primary()).toMatchObject({ name: named(servers.primary) });
  }
  await eventually(() => topology.replicas()).toHaveLength(2);
});

test('a replica that is shut down leaves, and returns after its start', async () => {
  await using topology = await watching();
  const [one] = servers.replicas;
  await eventually(() => topology.replicas()).toHaveLength(2);
  await one.whileStopped(async () => {
    await eventually(() => topology.hostState(named(one))?.role).toBe('down');
    // After its start it may be behind that for a while.
    expect(topology.hostState(named(one))?.replayedLsn).toBeUndefined();
    await eventually(() => topology.warnings.map(({ code }) => code)).toEqual(['replica-out']);
  });
  await eventually(() => topology.replicas()).toHaveLength(2);
  expect(topology.hostState(named(one))?.replayedLsn).toBeTypeOf('bigint');
  expect(topology.warnings.map(({ code }) => code)).toEqual(['replica-out', 'replica-back']);
});

test('a backend that is killed takes no host away, and what was replayed is asked anew', async () => {
  await using topology = await watching({ probeIntervalMs: 60_000 });
  const [one] = servers.replicas;
  await eventually(() => topology.replicas()).toHaveLength(2);
  const heard = vi.fn();
  topology.onChange(heard);
  const pids = (server: typeof one) =>
    servers.query<{ pid: number }>(server, `SELECT pid FROM pg_stat_activity WHERE application_name = 'pitcrew probe'`);
  const [before] = await pids(one);
  await servers.query(one, `SELECT pg_terminate_backend(${before?.pid})`);
  await eventually(async () => (await pids(one))[0]?.pid).toSatisfy((pid) => pid !== undefined && pid !== before?.pid);
  await eventually(() => topology.hostState(named(one))?.replayedLsn).toBeTypeOf('bigint');
  expect(topology.replicas()).toHaveLength(2);
  expect(heard).not.toHaveBeenCalled();
});

test('a reported failure is looked into at once; awaitPrimary waits for what is found', async () => {
  await using topology = await watching({ probeIntervalMs: 60_000 });
  const primary = at(servers.primary);
  for (let i = 0; i < 20; i += 1) topology.reportFailure(primary, new Error('reset'));
  expect(topology.primary()).toBeDefined();
  expect(await topology.awaitPrimary(10_000)).toBe(topology.primary());
  topology.reportNotPrimary(primary);
  expect(await topology.awaitPrimary(10_000)).toBe(topology.primary());
});

test('where there is no primary, the error says what each host said', async () => {
  const nobody = { host: '127.0.0.1', port: 1 };
  await using topology = await watching({ hosts: [...servers.replicas.map(at), nobody] });
  expect(topology.primary()).toBeUndefined();
  await expect(topology.awaitPrimary(50)).rejects.toMatchObject({
    code: 'E_DATABASE_UNREACHABLE',
    detail: expect.stringMatching(/a replica; .*a replica; 127\.0\.0\.1:1: connect ECONNREFUSED/),
  });
  await using locked = await watching({ connection: { ...servers.app, password: 'wrong' } });
  await expect(locked.awaitPrimary(50)).rejects.toMatchObject({ code: 'E_DATABASE_REFUSED' });
});

test('hosts found by a function come and go; a function that fails or finds none changes nothing', async () => {
  let found = (): Promise<HostAddress[]> => Promise.resolve(all());
  await using topology = await watching({ hosts: () => found(), refreshHostsMs: 30 });
  await eventually(() => topology.replicas()).toHaveLength(2);
  const kept = topology.hostState(named(servers.primary));
  found = () => Promise.resolve(all().slice(0, 2));
  await eventually(() => topology.hosts()).toHaveLength(2);
  expect(topology.replicas()).toHaveLength(1);
  const failing = vi.fn(() => Promise.reject(new Error('no answer')));
  found = failing;
  await eventually(() => failing.mock.calls.length).toBeGreaterThan(2);
  const empty = vi.fn(() => Promise.resolve([]));
  found = empty;
  await eventually(() => empty.mock.calls.length).toBeGreaterThan(2);
  expect(topology.hosts()).toHaveLength(2);
  expect(topology.hostState(named(servers.primary))).toBe(kept);
});

test('a name is resolved to its addresses', async () => {
  await using topology = await watching({ hosts: { dns: 'localhost', port: servers.primary.port } });
  expect((await topology.awaitPrimary(10_000)).name).toBe(named(servers.primary));
});

test('a server that lets nobody read its positions is known by its role', async () => {
  const revoke = (how: string) =>
    servers.query(
      servers.primary,
      `${how} EXECUTE ON FUNCTION pg_control_system() ${how === 'GRANT' ? 'TO' : 'FROM'} PUBLIC`,
    );
  await revoke('REVOKE');
  try {
    await using topology = await watching();
    expect(topology.primary()).toMatchObject({ name: named(servers.primary), timeline: undefined });
    await eventually(() => topology.replicas()).toHaveLength(2);
    expect(await topology.probe(named(servers.primary))).toMatchObject({ writtenLsn: undefined });
  } finally {
    await revoke('GRANT');
  }
});

test.each(['', 'await topology.awaitPrimary(5000);', 'await topology.stop();'])(
  'a process ends by itself, and not before it has what it waits for: %s',
  async (then) => {
    const options = JSON.stringify({ hosts: all(), connection: servers.app });
    const script = `
      import { createTopology } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))};
      const topology = createTopology(${options});
      await topology.start();
      ${then}
      console.log('done');
    `;
    const args = ['--input-type=module', '--eval', script];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout).toBe('done\n');
  },
);

test('through a pooler in transaction mode', async ({ skip }) => {
  const program = findPgBouncer();
  if ('missing' in program) return skip(program.missing);
  const url = `postgres://app:${encodeURIComponent(servers.app.password)}@127.0.0.1:${servers.primary.port}/postgres`;
  await using pooler = await startPgBouncer({ backends: { postgres: url } });
  await using topology = await watching({ hosts: [at(pooler), at(servers.replicas[0])] });
  expect(topology.primary()).toMatchObject({ name: named(pooler), pooled: true, timeline: 1 });
  const { writtenLsn } = await topology.probe(named(pooler));
  expect(writtenLsn).toBeGreaterThan(0n);
});
