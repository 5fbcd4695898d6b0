import { setImmediate as turn } from 'node:timers/promises';
import pg from 'pg';
import { expect, test } from 'vitest';
import { testedMajors } from '../../../../test/support/postgres.ts';
import { eventually, lagging, replicatedServers } from '../../../../test/support/replicated.ts';
import { createTopology, type HostState } from '../topology/index.ts';
import { createConsistency } from './index.ts';

/** At least, and for as long as it takes until the lag was seen at work. */
const RUN_MS = 3000;
const LONGEST_RUN_MS = 30_000;
const SESSIONS = 6;

const histories = testedMajors(19, 18, 15).flatMap((major) => [
  { major, synchronousCommit: 'on' },
  // Acknowledged before it is written anywhere: the write and flush positions lag behind what must be seen.
  { major, synchronousCommit: 'off' },
]);

test.each(histories)(
  'PostgreSQL $major, synchronous_commit $synchronousCommit: nobody misses a write of his own',
  async ({ major, synchronousCommit }) => {
    await using servers = await replicatedServers(major);
    await servers.query(servers.primary, 'CREATE TABLE counter (id int PRIMARY KEY, n int NOT NULL)');
    await servers.query(servers.primary, `INSERT INTO counter SELECT id, 0 FROM generate_series(0, ${SESSIONS}) AS id`);
    await servers.query(servers.primary, 'GRANT ALL ON counter TO app');
    await servers.query(servers.primary, `ALTER ROLE app SET synchronous_commit = ${synchronousCommit}`);
    await servers.query(servers.primary, `ALTER SYSTEM SET wal_writer_delay = '20ms'`);
    await servers.query(servers.primary, 'SELECT pg_reload_conf()');
    const hosts = [servers.primary, ...servers.replicas].map(({ port }) => ({ host: '127.0.0.1', port }));
    const topology = createTopology({ hosts, connection: servers.app, probeIntervalMs: 100 });
    await topology.start();
    await eventually(() => topology.replicas()).toHaveLength(2);
    const consistency = createConsistency({ topology });
    // The table is a write as well.
    consistency.wrote();
    await eventually(() => topology.replicas().every((replica) => consistency.mayRead(replica))).toBe(true);
    const ended = new AbortController();
    const lag = lagging(servers, ended.signal);

    const seen = { onReplicas: 0, onPrimary: 0, stale: [] as string[], withoutAsking: 0 };
    const began = performance.now();
    const goesOn = (): boolean => {
      const enough = seen.withoutAsking > 10 && seen.onReplicas > 10;
      return performance.now() - began < (enough ? RUN_MS : LONGEST_RUN_MS);
    };
    /** What this process has written, by session: the last acknowledged value. */
    const acknowledged = new Map<number, number>();

    async function session(id: number): Promise<void> {
      const clients = new Map<HostState, pg.Client>();
      for (const host of topology.hosts()) {
        const client = new pg.Client({ ...servers.app, ...host.address });
        await client.connect();
        clients.set(host, client);
      }
      const query = async (host: HostState, text: string, values: unknown[]): Promise<number> =>
        (await clients.get(host)?.query<{ n: number }>(text, values))?.rows[0]?.n ?? -1;
      while (goesOn()) {
        const primary = await topology.awaitPrimary(1000);
        const scope = {};
        for (let i = 0; i < 1 + Math.random() * 2; i += 1) {
          const sql = 'UPDATE counter SET n = n + 1 WHERE id = $1 RETURNING n';
          acknowledged.set(id, await query(primary, sql, [id]));
          consistency.wrote(scope);
        }
        for (let i = 0; i < Math.random() * 200; i += 1) {
          // Now and then the reader is the process, which must see what every session has written.
          const whole = Math.random() < 0.2;
          const of = whole ? Math.floor(Math.random() * SESSIONS) : id;
          const expected = acknowledged.get(of) ?? 0;
          const replicas = topology.replicas();
          const replica = replicas[Math.floor(Math.random() * replicas.length)];
          const allowed = replica !== undefined && consistency.mayRead(replica, whole ? undefined : scope);
          const host = allowed ? replica : primary;
          const n = await query(host, 'SELECT n FROM counter WHERE id = $1', [of]);
          if (n < expected) seen.stale.push(`${host.name} had ${n} of session ${of}, written was ${expected}`);
          if (allowed) seen.onReplicas += 1;
          else seen.onPrimary += 1;
          // Held against the same read without asking first: the lag is real.
          if (replica && !allowed && (await query(replica, 'SELECT n FROM counter WHERE id = $1', [of])) < expected)
            seen.withoutAsking += 1;
          await turn();
        }
      }
      for (const client of clients.values()) await client.end();
    }

    try {
      await Promise.all(Array.from({ length: SESSIONS }, (_, id) => session(id)));
    } finally {
      ended.abort();
      await lag;
      consistency.stop();
      await topology.stop();
    }
    expect(seen.stale).toEqual([]);
    expect(seen.withoutAsking).toBeGreaterThan(10);
    expect(seen.onReplicas).toBeGreaterThan(10);
  },
);
