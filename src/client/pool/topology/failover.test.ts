import { expect, test } from 'vitest';
import { testedMajors } from '../../../../test/support/postgres.ts';
import { eventually, follow, frozen, type Replicated, replicatedServers } from '../../../../test/support/replicated.ts';
import type { PoolWarning } from '../../observer.ts';
import { createConsistency } from '../consistency/index.ts';
import type { HostAddress } from '../host.ts';
import { createTopology, parseLsn, type Topology, type TopologyOptions } from './index.ts';

const at = (server: { port: number }): HostAddress => ({ host: '127.0.0.1', port: server.port });
const named = (server: { port: number }): string => `127.0.0.1:${server.port}`;

async function watching(
  servers: Replicated,
  options: Partial<TopologyOptions> = {},
): Promise<Topology & AsyncDisposable & { warnings: PoolWarning[] }> {
  const warnings: PoolWarning[] = [];
  const topology = createTopology({
    hosts: [servers.primary, ...servers.replicas].map(at),
    connection: servers.app,
    probeIntervalMs: 50,
    probeTimeoutMs: 500,
    observer: { warned: (warning) => warnings.push(warning) },
    ...options,
  });
  await topology.start();
  return Object.assign(topology, { warnings, [Symbol.asyncDispose]: () => topology.stop() });
}

test('a promoted replica is the primary, its former one is not even when it comes back', async () => {
  await using servers = await replicatedServers();
  const [one, two] = servers.replicas;
  await using topology = await watching(servers);
  const consistency = createConsistency({ topology });
  await eventually(() => topology.replicas()).toHaveLength(2);

  // A write that only the old primary has: it is lost in the failover, and nobody waits for it.
  const streaming = `SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'`;
  for (const replica of [one, two]) await follow(replica, { port: 1 });
  await eventually(() => servers.query(servers.primary, streaming)).toEqual([]);
  await servers.query(servers.primary, `SELECT pg_logical_emit_message(false, 'test', repeat('x', 100000))`);
  const scope = {};
  consistency.wrote(scope);
  const lost = parseLsn(await consistency.token(scope));

  {
    using _ = frozen(servers.primary);
    await eventually(() => topology.primary()).toBeUndefined();
    expect(topology.hostState(named(servers.primary))).toMatchObject({ role: 'down', healthy: false });
    expect(topology.replicas().map(({ name }) => name)).toEqual([one, two].map(named));

    const found = topology.awaitPrimary(30_000);
    await one.promote();
    expect((await found).name).toBe(named(one));
    expect(topology.term()).toMatchObject({ name: named(one), timeline: 2 });
    await eventually(() => topology.warnings.map(({ code }) => code)).toContain('failover');

    // The other one still waits for the old primary: what it has does not compare with what is written now.
    await eventually(() => topology.replicas()).toEqual([]);
    expect(topology.hostState(named(two))?.reason).toMatch(/on timeline 1 as far as it tells, the primary .* on 2/);
  }

  // The old primary goes on as if nothing had happened.
  await eventually(() => topology.hostState(named(servers.primary))?.role).toBe('primary');
  expect(topology.hostState(named(servers.primary))?.healthy).toBe(false);
  expect(topology.primary()?.name).toBe(named(one));
  expect(topology.warnings.filter(({ code }) => code === 'two-primaries')).toMatchObject([
    { detail: expect.stringContaining(`${named(one)} is used`) },
  ]);

  // Who comes now sees two, and takes the one that was promoted last.
  {
    await using newcomer = await watching(servers);
    expect(newcomer.primary()?.name).toBe(named(one));
    expect(newcomer.warnings.map(({ code }) => code)).toContain('two-primaries');
    expect(newcomer.warnings.map(({ code }) => code)).not.toContain('failover');
  }

  // It follows the new one. A role that may not see the timeline it receives learns of it at the next restart point.
  await follow(two, one);
  await eventually(() => servers.query(one, streaming)).toHaveLength(1);
  await servers.query(one, 'CHECKPOINT');
  await eventually(async () => {
    await servers.query(two, 'CHECKPOINT');
    return topology.replicas().map(({ name }) => name);
  }).toEqual([named(two)]);

  // Held back until it has all that survived, but not for the write that did not.
  const replica = topology.hostState(named(two));
  if (!replica) throw new Error('the replica is not listed');
  await eventually(() => consistency.mayRead(replica, scope)).toBe(true);
  expect(consistency.mayRead(replica, {})).toBe(true);
  expect(replica.replayedLsn).toBeLessThan(lost);
  expect(parseLsn(await consistency.token(scope))).toBeLessThan(lost);

  // The new primary goes as well: the old one is not taken for it.
  {
    using _ = frozen(one);
    await eventually(() => topology.primary()).toBeUndefined();
    await expect(topology.awaitPrimary(200)).rejects.toMatchObject({ code: 'E_DATABASE_UNREACHABLE' });
    expect(topology.replicas().map(({ name }) => name)).toEqual([named(two)]);
  }
  expect((await topology.awaitPrimary(20_000)).name).toBe(named(one));
});

test.each(testedMajors(15, 17))(
  'PostgreSQL %i: with pg_read_all_stats, a replica that follows is read from at once',
  async (major) => {
    await using servers = await replicatedServers(major);
    const [one, two] = servers.replicas;
    await servers.query(servers.primary, 'GRANT pg_read_all_stats TO app');
    await using topology = await watching(servers);
    await eventually(() => topology.replicas()).toHaveLength(2);
    await servers.primary.whileStopped(async () => {
      await one.promote();
      await follow(two, one);
      expect((await topology.awaitPrimary(30_000)).name).toBe(named(one));
      await eventually(() => topology.replicas().map(({ name }) => name)).toEqual([named(two)]);
      expect(topology.hostState(named(two))?.timeline).toBe(2);
    });
    expect(topology.primary()?.name).toBe(named(one));
  },
);

test('a primary that restarts is found again, and nobody speaks of a failover', async () => {
  await using servers = await replicatedServers();
  await using topology = await watching(servers);
  await servers.primary.whileStopped(async () => {
    await eventually(() => topology.primary()).toBeUndefined();
  });
  expect((await topology.awaitPrimary(30_000)).name).toBe(named(servers.primary));
  expect(topology.warnings.map(({ code }) => code)).not.toContain('failover');
});
