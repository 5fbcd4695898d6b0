import { expect, test } from 'vitest';
import { scratchReplica, scratchServer } from '../../../../test/support/postgres.ts';
import { eventually } from '../../../../test/support/replicated.ts';
import { session } from '../../../../test/support/catalog.ts';
import { Snapshot } from './index.ts';

test('a snapshot sees what was over when it was taken', () => {
  const snapshot = Snapshot.parse('754:760:754,757');
  expect([753, 754, 755, 757, 759, 760, 761].map((xid) => snapshot.sees(xid))).toEqual([
    true,
    false,
    true,
    false,
    true,
    false,
    false,
  ]);
  expect(Snapshot.parse('5:5:').sees(4)).toBe(true);
  expect(Snapshot.parse('5:5:').sees(5)).toBe(false);
  const wide = Snapshot.parse('4294967290:8589934600:4294967299');
  expect([4294967289, 4294967299, 4294967300].map((xid) => wide.sees(xid))).toEqual([true, false, true]);
  expect(wide.toString()).toBe('4294967290:8589934600:4294967299');
});

test.each(['', '5', '5:6', '5:6:7,', '5:6:x', ':6:', '5:6:7:8', '9999999999999999:9999999999999999:'])(
  'the text %j is no snapshot',
  (text) => {
    expect(() => Snapshot.parse(text)).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
  },
);

test('a standby names no transaction that is under way: what it cannot be sure of, it has not seen', async () => {
  await using primary = await scratchServer(18);
  await using replica = await scratchReplica(primary, 18);
  await using writer = await session(primary.url());
  await using other = await session(primary.url());
  await using reader = await session(replica.url());
  await writer.query('CREATE TABLE t (id int PRIMARY KEY)');
  await writer.query('BEGIN');
  await writer.query('INSERT INTO t VALUES (1)');
  const { rows } = await writer.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
  const xid = Number(rows[0]?.xid);
  for (let id = 2; id < 6; id++) await other.query('INSERT INTO t VALUES ($1)', [id]);
  const read = async () => {
    const found = await reader.query<{ snapshot: string; rows: number }>(
      'SELECT pg_current_snapshot()::text AS snapshot, (SELECT count(*)::int4 FROM t) AS rows',
    );
    return found.rows[0] ?? { snapshot: '', rows: -1 };
  };
  await eventually(async () => (await read()).rows).toBe(4);
  const { snapshot } = await read();
  // What PostgreSQL says, and what would be wrong to believe: the row is not to be seen.
  expect(Snapshot.parse(snapshot).sees(xid)).toBe(true);
  const standby = Snapshot.parse(snapshot, { standby: true });
  expect(standby.sees(xid)).toBe(false);
  expect(Snapshot.parse(standby.toString()).sees(xid)).toBe(false);
  await writer.query('COMMIT');
  await eventually(async () => Snapshot.parse((await read()).snapshot, { standby: true }).sees(xid)).toBe(true);
  expect((await read()).rows).toBe(5);
});
