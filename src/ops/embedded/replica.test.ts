import { rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { temporaryFolder } from '../../../test/support/folder.ts';
import { type EmbeddedServer, startReplica, startServer } from './index.ts';

async function query(server: EmbeddedServer, sql: string): Promise<pg.QueryResultRow[]> {
  const client = new pg.Client(server.url());
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Waits until the replica answers like this. */
async function untilAnswers(server: EmbeddedServer, sql: string, rows: object[]): Promise<void> {
  await vi.waitFor(async () => expect(await query(server, sql)).toEqual(rows), { timeout: 10_000, interval: 20 });
}

test('a replica follows, catches up after an absence, is promoted, and made anew', async () => {
  await using folder = temporaryFolder();
  const settings = { fsync: 'off' };
  const primary = await startServer({ dataDir: join(folder.path, "it's primary"), settings, superuser: 'postgres' });
  await query(primary, 'CREATE TABLE seen AS SELECT 1 AS n');
  const options = { dataDir: join(folder.path, "it's replica"), settings, slot: 'standby' };
  let replica = await startReplica(primary, options);
  await query(primary, 'UPDATE seen SET n = 2');
  await untilAnswers(replica, 'SELECT n FROM seen', [{ n: 2 }]);
  expect(await query(replica, 'SELECT pg_is_in_recovery() AS standby, current_user AS role')).toEqual([
    { standby: true, role: 'postgres' },
  ]);
  // Whoever may read all settings must not read the password there.
  expect(await query(replica, 'SHOW primary_conninfo')).toEqual([
    { primary_conninfo: expect.not.stringContaining(new URL(primary.url()).password) },
  ]);
  const slots = 'SELECT slot_name, slot_type, active, wal_status FROM pg_replication_slots';
  expect(await query(primary, slots)).toEqual([
    { slot_name: 'standby', slot_type: 'physical', active: true, wal_status: 'reserved' },
  ]);
  expect(await query(replica, slots)).toEqual([]);

  await replica.stop();
  await query(primary, 'UPDATE seen SET n = 3');
  replica = await startReplica(primary, options);
  await untilAnswers(replica, 'SELECT n FROM seen', [{ n: 3 }]);

  await replica.promote();
  await query(replica, 'UPDATE seen SET n = 100');
  await replica.stop();

  replica = await startReplica(primary, options);
  expect(await query(replica, 'SELECT n, pg_is_in_recovery() AS standby FROM seen')).toEqual([{ n: 3, standby: true }]);
  await replica.stop();
  await primary.stop();
});

test('a replica of another primary is not taken for one of this', async () => {
  await using folder = temporaryFolder();
  const settings = { fsync: 'off' };
  const primaryDir = join(folder.path, 'primary');
  const options = { dataDir: join(folder.path, 'replica'), settings };
  const first = await startServer({ dataDir: primaryDir, settings });
  await (await startReplica(first, options)).stop();
  await first.stop();
  rmSync(primaryDir, { recursive: true });

  const second = await startServer({ dataDir: primaryDir, settings });
  await query(second, 'CREATE TABLE fresh AS SELECT 1 AS n');
  const replica = await startReplica(second, options);
  await untilAnswers(replica, 'SELECT n FROM fresh', [{ n: 1 }]);
  await Promise.all([replica.stop('immediate'), second.stop('immediate')]);
});
