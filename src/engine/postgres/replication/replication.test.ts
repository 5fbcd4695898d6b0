import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sharedMajors, type TestDatabase, testedMajors } from '../../../../test/support/postgres.ts';
import { quietServers } from '../../../../test/support/quiet-servers.ts';
import { plainRole } from '../../../../test/support/catalog.ts';
import {
  changedTable,
  decodePgoutput,
  lsnOf,
  lsnText,
  type PgoutputMessage,
  ReplicationConnection,
  widenXid,
} from './index.ts';

const quietDatabase = quietServers(...sharedMajors());

/** A stream of a database's publication `all`, with everything that came so far. */
async function listening(database: TestDatabase, slot: { name: string; temporary?: boolean }) {
  const connection = await ReplicationConnection.open({ connectionString: database.url });
  const messages: PgoutputMessage[] = [];
  const tables: (number | undefined)[] = [];
  const end = Promise.withResolvers<Error | undefined>();
  let reached = 0n;
  if (slot.temporary !== undefined) await connection.createSlot(slot.name, { temporary: slot.temporary });
  await connection.start(
    { slot: slot.name, publications: ['all'] },
    {
      message(bytes, at) {
        tables.push(changedTable(bytes, at));
        messages.push(decodePgoutput(bytes, at));
      },
      reached(walEnd) {
        reached = walEnd;
      },
      ended: end.resolve,
    },
  );
  return {
    connection,
    messages,
    tables,
    ended: end.promise,
    reached: () => reached,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await unused(database);
    },
  };
}

/** Resolves when the server has noticed that nobody reads from the database any more, which it does late after a cut. */
async function unused(database: TestDatabase): Promise<void> {
  await expect
    .poll(() => database.query('SELECT 1 FROM pg_replication_slots WHERE database = current_database() AND active'))
    .toEqual([]);
}

const kinds = (messages: readonly PgoutputMessage[]): string[] => messages.map(({ kind }) => kind);

/** What came after the first relation message of a table is told without the descriptions. */
const plain = (messages: readonly PgoutputMessage[]): PgoutputMessage[] =>
  messages.filter(({ kind }) => kind !== 'relation' && kind !== 'type');

describe.each(sharedMajors())('the replication stream of PostgreSQL %i', (major) => {
  test('tells of every kind of change, with the transaction it belongs to', async () => {
    await using database = await quietDatabase(major);
    await database.query(`CREATE TABLE "Odd name" (id int, part text, note text, PRIMARY KEY (id, part))`);
    await database.query(`CREATE TABLE whole (id int PRIMARY KEY, note text)`);
    await database.query(`ALTER TABLE whole REPLICA IDENTITY FULL`);
    await database.query(`CREATE PUBLICATION "all" FOR ALL TABLES`);
    const [named] = await database.query<{ oid: number }>(`SELECT '"Odd name"'::regclass::oid AS oid`);
    const [whole] = await database.query<{ oid: number }>(`SELECT 'whole'::regclass::oid AS oid`);
    const [a, b] = [named?.oid ?? 0, whole?.oid ?? 0];
    await using stream = await listening(database, { name: `t_${database.name}`, temporary: true });

    await database.query('BEGIN');
    const [top] = await database.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
    await database.query('SAVEPOINT s');
    await database.query(`INSERT INTO "Odd name" VALUES (1, 'é', NULL)`);
    await database.query('RELEASE SAVEPOINT s');
    await database.query('SAVEPOINT s');
    await database.query(`INSERT INTO "Odd name" VALUES (99, 'undone', NULL)`);
    await database.query('ROLLBACK TO SAVEPOINT s');
    await database.query(`UPDATE "Odd name" SET note = 'kept'`);
    await database.query(`UPDATE "Odd name" SET id = 2`);
    await database.query(`DELETE FROM "Odd name"`);
    await database.query(`INSERT INTO whole VALUES (7, 'n')`);
    await database.query(`UPDATE whole SET note = 'm'`);
    await database.query(`SELECT pg_logical_emit_message(true, 'sign', 'ü of it')`);
    await database.query(`TRUNCATE "Odd name", whole`);
    await database.query('COMMIT');
    await expect.poll(() => kinds(stream.messages).filter((kind) => kind === 'commit').length).toBe(1);

    const { messages } = stream;
    const xid = Number(top?.xid) % 2 ** 32;
    expect(plain(messages)).toEqual([
      { kind: 'begin', xid, commitLsn: expect.any(BigInt) },
      { kind: 'insert', oid: a, added: ['1', 'é', null] },
      { kind: 'update', oid: a, old: undefined, added: ['1', 'é', 'kept'] },
      { kind: 'update', oid: a, old: ['1', 'é', null], added: ['2', 'é', 'kept'] },
      { kind: 'delete', oid: a, old: ['2', 'é', null] },
      { kind: 'insert', oid: b, added: ['7', 'n'] },
      { kind: 'update', oid: b, old: ['7', 'n'], added: ['7', 'm'] },
      { kind: 'message', transactional: true, prefix: 'sign', content: 'ü of it' },
      { kind: 'truncate', oids: expect.arrayContaining([a, b]) },
      { kind: 'commit', commitLsn: expect.any(BigInt), endLsn: expect.any(BigInt) },
    ]);
    expect(messages).toContainEqual({
      kind: 'relation',
      relation: {
        oid: a,
        schema: 'public',
        name: 'Odd name',
        replicaIdentity: 'd',
        columns: [
          { name: 'id', typeOid: 23, key: true },
          { name: 'part', typeOid: 25, key: true },
          { name: 'note', typeOid: 25, key: false },
        ],
      },
    });
    expect(stream.tables.filter((oid) => oid !== undefined)).toEqual([a, a, a, a, b, b]);
  });

  test('says how far it has read, ends when asked to, and begins again after what was confirmed', async () => {
    await using database = await quietDatabase(major);
    await database.query('CREATE TABLE t (id int PRIMARY KEY)');
    await database.query(`CREATE PUBLICATION "all" FOR ALL TABLES`);
    const slot = `p_${database.name}`;
    const commits = (messages: readonly PgoutputMessage[]) => messages.filter(({ kind }) => kind === 'commit');
    try {
      await using first = await listening(database, { name: slot, temporary: false });
      await database.query('INSERT INTO t VALUES (1)');
      await database.query('INSERT INTO t VALUES (2)');
      await expect.poll(() => commits(first.messages).length).toBe(2);
      const commit = first.messages.find((message) => message.kind === 'commit');
      first.connection.confirm(commit?.endLsn ?? 0n);
      await first.connection.stop();
      expect(await first.ended).toBeUndefined();

      await using second = await listening(database, { name: slot });
      await expect.poll(() => commits(second.messages).length).toBe(1);
      expect(second.messages).toContainEqual(expect.objectContaining({ kind: 'insert', added: ['2'] }));
      expect(second.messages).not.toContainEqual(expect.objectContaining({ kind: 'insert', added: ['1'] }));

      const [now] = await database.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn');
      const flushed = lsnOf(now?.lsn ?? '') ?? 0n;
      await expect
        .poll(() => {
          second.connection.ask();
          return second.reached() >= flushed;
        })
        .toBe(true);
    } finally {
      await expect
        .poll(() => database.query(`SELECT 1 FROM pg_replication_slots WHERE slot_name = '${slot}' AND NOT active`))
        .toHaveLength(1);
      await database.query(`SELECT pg_drop_replication_slot('${slot}')`);
    }
  });

  test('a temporary slot goes with its connection, however that ends', async () => {
    await using database = await quietDatabase(major);
    await database.query(`CREATE PUBLICATION "all" FOR ALL TABLES`);
    await using stream = await listening(database, { name: `t_${database.name}`, temporary: true });
    const slots = () =>
      database.query<{ active_pid: number }>(
        `SELECT active_pid FROM pg_replication_slots WHERE slot_name = 't_${database.name}'`,
      );
    const [slot] = await slots();
    await database.query('SELECT pg_terminate_backend($1)', [slot?.active_pid]);
    expect(await stream.ended).toMatchObject({ code: 'E_DATABASE_UNREACHABLE' });
    await expect.poll(slots).toEqual([]);
  });
});

test('values are written alike, whatever the settings of the database', async () => {
  await using database = await quietDatabase();
  await database.query(
    'CREATE TABLE t (at timestamptz PRIMARY KEY, day date, size float8, bytes bytea, span interval)',
  );
  await database.query(`CREATE PUBLICATION "all" FOR ALL TABLES`);
  for (const setting of [
    `DateStyle = 'SQL, DMY'`,
    `TimeZone = 'Asia/Kolkata'`,
    'extra_float_digits = -3',
    `bytea_output = 'escape'`,
    `IntervalStyle = 'iso_8601'`,
    `statement_timeout = '50ms'`,
  ]) {
    await database.query(`ALTER DATABASE ${database.name} SET ${setting}`);
  }
  await using stream = await listening(database, { name: `v_${database.name}`, temporary: true });
  await database.query(
    `INSERT INTO t VALUES ('2024-02-01 10:00Z', '2024-02-01', 0.1::float8 + 0.2, 'ab', '1 day 2 hours')`,
  );
  await expect
    .poll(() => stream.messages.find((message) => message.kind === 'insert')?.added)
    .toEqual(['2024-02-01 10:00:00+00', '2024-02-01', '0.30000000000000004', '\\x6162', '1 day 02:00:00']);
});

test('a role without the right is refused in words', async () => {
  await using database = await quietDatabase();
  await using role = await plainRole(database);
  await expect(ReplicationConnection.open({ connectionString: role.url })).rejects.toMatchObject({
    code: 'E_DATABASE_REFUSED',
    detail: expect.stringContaining('WAL sender'),
  });
});

test.each(testedMajors(17, 15))('a missing publication ends the stream of PostgreSQL %i with why', async (major) => {
  await using database = await quietDatabase(major);
  await database.query('CREATE TABLE t (id int PRIMARY KEY)');
  await using stream = await listening(database, { name: `m_${database.name}`, temporary: true });
  await database.query('INSERT INTO t VALUES (1)');
  expect(await stream.ended).toMatchObject({ message: 'publication "all" does not exist' });
});

test('what a reader throws ends the stream with that', async () => {
  await using database = await quietDatabase();
  await database.query('CREATE TABLE t (id int PRIMARY KEY)');
  await database.query('CREATE PUBLICATION p FOR TABLE t');
  const connection = await ReplicationConnection.open({ connectionString: database.url });
  await connection.createSlot(`x_${database.name}`, { temporary: true });
  const end = Promise.withResolvers<Error | undefined>();
  await connection.start(
    { slot: `x_${database.name}`, publications: ['p'] },
    {
      message() {
        throw new Error('cannot use it');
      },
      ended: end.resolve,
    },
  );
  await database.query('INSERT INTO t VALUES (1)');
  expect(await end.promise).toMatchObject({ detail: 'cannot use it' });
  await connection.close();
  await unused(database);
});

test('messages that were not asked for, and those cut short, are refused', () => {
  expect(() => decodePgoutput(Buffer.from('S\0\0\0\x01\x01'))).toThrow(
    expect.objectContaining({ code: 'E_UNSUPPORTED', detail: 'Its kind is "S".' }),
  );
  const begin = Buffer.alloc(21);
  begin.write('B');
  expect(decodePgoutput(begin)).toEqual({ kind: 'begin', xid: 0, commitLsn: 0n });
  for (let length = 0; length < begin.length; length++) {
    expect(() => decodePgoutput(begin.subarray(0, length))).toThrow(
      expect.objectContaining({ message: expect.stringContaining('ends too early') }),
    );
  }
});

test('transaction numbers of 32 bits are widened to the nearest of 64', () => {
  const known = fc.integer({ min: 3, max: 2 ** 50 });
  const apart = fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(known, apart, (near, distance) => {
      const xid = near + distance;
      fc.pre(xid >= 0);
      expect(widenXid(xid % 2 ** 32, near)).toBe(xid);
    }),
  );
});

test('positions are read as they are written', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (lsn) => {
      expect(lsnOf(lsnText(lsn))).toBe(lsn);
    }),
  );
  expect(lsnText(0x16_b374_d848n)).toBe('16/B374D848');
  expect(lsnOf('nothing')).toBeUndefined();
});
