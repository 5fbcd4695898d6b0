import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import copy from 'pg-copy-streams';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';
import { expect, test } from 'vitest';
import { clusterPool, type ClusterPool } from '../support/cluster-pool.ts';
import { eventually, replicatedServers } from '../support/replicated.ts';

const rows = ['a\n', 'b\n'];
const insert = `INSERT INTO lines VALUES ('a'), ('b') RETURNING line`;
const nothing = (): void => {};

/** Ways to write of which the pool sees no promise; each gives what is to be done at the end. */
const ways: Record<string, (pool: ClusterPool) => Promise<() => void>> = {
  'COPY on a client': async (pool) => {
    const client = await pool.connect();
    await pipeline(Readable.from(rows), client.query(copy.from('COPY lines FROM STDIN')));
    return () => client.release();
  },
  'COPY on the pool': async (pool) => {
    await pipeline(Readable.from(rows), pool.query(copy.from('COPY lines FROM STDIN')));
    return nothing;
  },
  'a query object on a client': async (pool) => {
    const client = await pool.connect();
    const query = new pg.Query(insert);
    const ended = new Promise((resolve) => query.once('end', resolve));
    client.query(query);
    await ended;
    return () => client.release();
  },
  'a cursor on the pool': async (pool) => {
    const cursor = pool.query(new Cursor(insert));
    await cursor.read(10);
    await cursor.close();
    return nothing;
  },
};

test('who writes by a stream, cursor or query object reads it afterwards', async () => {
  await using servers = await replicatedServers();
  await servers.query(servers.primary, 'CREATE TABLE lines (line text)');
  await servers.query(servers.primary, 'GRANT ALL ON lines TO app');
  for (const replica of servers.replicas) {
    const ready = `SELECT has_table_privilege('app', to_regclass('lines'), 'SELECT') AS ready`;
    await eventually(() => servers.query(replica, ready)).toEqual([{ ready: true }]);
    await servers.query(replica, 'SELECT pg_wal_replay_pause()');
  }
  let written = 0;
  for (const [way, write] of Object.entries(ways)) {
    // Each process on its own: what one has written already would keep it from all replicas.
    await using pool = clusterPool(servers, { replicas: { maxLagMillis: 600_000 } });
    const count = async (): Promise<number> =>
      (await pool.query<{ n: number }>('SELECT count(*)::int AS n FROM lines')).rows[0]?.n ?? -1;
    await eventually(async () => {
      await count();
      return pool.outcomes.at(-1)?.role;
    }).toBe('replica');
    // What only reads changes nothing of that.
    await pool.query(new QueryStream('SELECT 1 AS one')).toArray();
    await count();
    expect(pool.outcomes.at(-1)?.role).toBe('replica');
    const end = await write(pool);
    written += rows.length;
    const found = await count();
    end();
    expect({ way, found }).toEqual({ way, found: written });
  }
});
