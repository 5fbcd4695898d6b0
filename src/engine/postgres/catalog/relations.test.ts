import { describe, expect, test } from 'vitest';
import { plainRole, session, watched } from '../../../../test/support/catalog.ts';
import { sharedMajors, testDatabase } from '../../../../test/support/postgres.ts';
import { readRelations, readSequences, readTables } from '../index.ts';

const schema = `
  CREATE TABLE part (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
  CREATE TABLE part_2024 PARTITION OF part FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
  CREATE TABLE orders (id int PRIMARY KEY, note text UNIQUE, big text);
  CREATE INDEX orders_big ON orders USING hash (big);
  CREATE MATERIALIZED VIEW summary AS SELECT 1 AS one;
  CREATE UNLOGGED TABLE fast (id int);
  CREATE TABLE untouched (id int);
  INSERT INTO orders SELECT i, 'note ' || i, repeat('x', 10) FROM generate_series(1, 100) i;
  UPDATE orders SET big = 'changed' WHERE id <= 10;
  DELETE FROM orders WHERE id > 95;
  INSERT INTO orders SELECT 1000, 'large', string_agg(md5(i::text), '') FROM generate_series(1, 3000) i;
  SELECT pg_stat_force_next_flush();
`;

function byOid(a: object, b: object): number {
  return Number('oid' in a && a.oid) - Number('oid' in b && b.oid);
}

describe.each(sharedMajors())('PostgreSQL %i', (major) => {
  test('tables and indexes come with sizes, counters and kinds', async () => {
    await using database = await testDatabase(major);
    await database.query(schema);
    await database.query(`VACUUM ANALYZE orders`);
    await using target = await watched(database.url);
    const read = async () => (await readRelations(target.connection, target.profile)).rows;
    const scansBefore = (await read()).find((row) => row.name === 'orders')?.indexScans ?? 0;
    await database.query(`SET enable_seqscan = off`);
    await database.query(`SELECT * FROM orders WHERE id = 5`);
    await database.query(`SELECT pg_stat_force_next_flush()`);
    const { rows, skipped } = await readRelations(target.connection, target.profile);
    expect(skipped).toEqual([]);
    const byName = new Map(rows.map((row) => [row.name, row]));
    expect(Object.fromEntries(rows.map((row) => [row.name, row.kind]))).toEqual({
      part: 'partitioned',
      part_2024: 'partition',
      orders: 'table',
      summary: 'materialized view',
      fast: 'table',
      untouched: 'table',
    });
    expect(byName.get('fast')?.persistence).toBe('u');
    expect(byName.get('untouched')).toMatchObject({ estimatedRows: null, heapBytes: 0, lastVacuum: null, indexes: [] });
    const orders = byName.get('orders');
    expect(orders).toMatchObject({
      schema: 'public',
      estimatedRows: 96,
      liveRows: 96,
      deadRows: 0,
      inserts: 101,
      updates: 10,
      deletes: 5,
      vacuums: 1,
      analyzes: 1,
      modifiedSinceAnalyze: 0,
      lastAutovacuum: null,
    });
    expect(orders?.indexScans).toBe(scansBefore + 1);
    expect(orders?.lastVacuum).toBeInstanceOf(Date);
    expect(orders?.heapBytes).toBeGreaterThanOrEqual(8192);
    // 96,000 characters do not fit into a row.
    expect(orders?.toastBytes).toBeGreaterThan(50_000);
    expect(orders?.heapHit).toBeGreaterThan(0);
    expect(orders?.frozenXidAge).toBeGreaterThanOrEqual(0);
    expect(orders?.indexBytes).toBe(orders?.indexes.reduce((sum, index) => sum + index.bytes, 0));
    expect(typeof orders?.vacuumMs).toBe(major >= 18 ? 'number' : 'object');
    expect(orders?.lastSeqScan === null).toBe(major < 16);
    const indexes = Object.fromEntries(orders?.indexes.map((index) => [index.name, index]) ?? []);
    expect(indexes['orders_pkey']).toMatchObject({
      primary: true,
      unique: true,
      constraint: 'p',
    });
    expect(indexes['orders_note_key']).toMatchObject({
      primary: false,
      unique: true,
      constraint: 'u',
      method: 'btree',
    });
    expect(indexes['orders_big']).toMatchObject({ unique: false, constraint: null, method: 'hash', valid: true });
    expect(byName.get('part')?.indexes[0]).toMatchObject({ partitioned: true, bytes: 0 });
  });

  test('a second reading has what changed, what did not, and not what is gone', async () => {
    await using database = await testDatabase(major);
    await database.query(`
      CREATE TABLE busy (id int PRIMARY KEY);
      CREATE TABLE still (id int PRIMARY KEY);
      CREATE TABLE gone (id int PRIMARY KEY);
      SELECT pg_stat_force_next_flush();
    `);
    await using target = await watched(database.url);
    const read = async () => {
      const { rows } = await readRelations(target.connection, target.profile);
      return Object.fromEntries(rows.map((row) => [row.name, row]));
    };
    const first = await read();
    expect(Object.keys(first).toSorted()).toEqual(['busy', 'gone', 'still']);
    const known = Object.values(first).map((row) => row.change);
    await database.query(`INSERT INTO busy SELECT generate_series(1, 10)`);
    await database.query(`DROP TABLE gone; CREATE TABLE fresh (id int); ALTER TABLE still RENAME TO quiet`);
    await database.query(`CREATE INDEX busy_again ON busy (id); DROP TABLE IF EXISTS gone`);
    await database.query(`SELECT pg_stat_force_next_flush()`);
    await expect.poll(async () => (await read())['busy']?.inserts).toBe(10);
    const second = await read();
    expect(Object.keys(second).toSorted()).toEqual(['busy', 'fresh', 'quiet']);
    expect(second['busy']?.indexes.map((index) => index.name).toSorted()).toEqual(['busy_again', 'busy_pkey']);
    expect(second['quiet']?.indexes[0]).toMatchObject({ name: 'still_pkey', table: 'quiet' });
    const sent = (await readTables(target.connection, target.profile, known)).rows.map((row) => row.name);
    expect(sent.toSorted()).toEqual(['busy', 'fresh', 'quiet']);
    const again = await readTables(
      target.connection,
      target.profile,
      Object.values(second).map((row) => row.change),
    );
    expect(again.rows).toEqual([]);
    // What a connection read before is as good as what a new one reads.
    await using other = await watched(database.url);
    const { rows } = await readRelations(other.connection, other.profile);
    const withoutAges = (row: object) => ({ ...row, frozenXidAge: 0, frozenMxidAge: 0 });
    expect(
      Object.values(await read())
        .map(withoutAges)
        .toSorted(byOid),
    ).toEqual(rows.map(withoutAges).toSorted(byOid));
  });

  test('an invalid index is told', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE TABLE t (id int); INSERT INTO t VALUES (1), (1)`);
    await expect(database.query(`CREATE UNIQUE INDEX CONCURRENTLY t_id ON t (id)`)).rejects.toThrow('could not create');
    await using target = await watched(database.url);
    const { rows } = await readRelations(target.connection, target.profile);
    expect(rows[0]?.indexes[0]).toMatchObject({ name: 't_id', valid: false });
  });

  test('tables are read while one is locked exclusively, without waiting', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE TABLE held (id serial PRIMARY KEY); CREATE TABLE other (id int); ANALYZE held`);
    await using holder = await session(database.url);
    await holder.query(`BEGIN; LOCK TABLE held IN ACCESS EXCLUSIVE MODE; ALTER SEQUENCE held_id_seq INCREMENT 2`);
    await using target = await watched(database.url, { lockTimeoutMs: 50 });
    const { rows } = await readRelations(target.connection, target.profile);
    expect(rows.map((row) => row.name).toSorted()).toEqual(['held', 'other']);
    const sequences = await readSequences(target.connection);
    expect(sequences.rows[0]).toMatchObject({ name: 'held_id_seq', locked: true, lastValue: null, used: null });
    expect(sequences.skipped[0]?.reason).toContain('locked by other sessions');
  });

  test('sequences tell how much of their range is used up, and which may not be read', async () => {
    await using database = await testDatabase(major);
    await database.query(`
      CREATE TABLE t (id smallserial PRIMARY KEY, big bigint GENERATED ALWAYS AS IDENTITY);
      SELECT setval('t_id_seq', 30000);
      CREATE SEQUENCE down INCREMENT -1 MINVALUE -100 MAXVALUE 100;
      SELECT setval('down', -50);
      CREATE SEQUENCE fresh;
    `);
    await using target = await watched(database.url);
    const { rows, skipped } = await readSequences(target.connection);
    const byName = Object.fromEntries(rows.map((row) => [row.name, row]));
    expect(skipped).toEqual([]);
    expect(byName['t_id_seq']).toMatchObject({
      ownedBy: 'public.t.id',
      dataType: 'smallint',
      lastValue: '30000',
      limit: '32767',
    });
    expect(byName['t_id_seq']?.used).toBeCloseTo(29_999 / 32_766, 6);
    expect(byName['down']?.used).toBeCloseTo(0.75, 6);
    expect(byName['fresh']).toMatchObject({ lastValue: null, used: 0, ownedBy: null });
    expect(byName['t_big_seq']).toMatchObject({ limit: '9223372036854775807', ownedBy: 'public.t.big' });
    await using role = await plainRole(database);
    await using plain = await watched(role.url);
    const seen = await readSequences(plain.connection);
    expect(seen.rows).toHaveLength(4);
    expect(seen.rows.every((row) => row.lastValue === null && row.used === null && !row.readable)).toBe(true);
    expect(seen.skipped[0]).toMatchObject({ subject: 'sequences', fix: expect.stringContaining('GRANT') });
  });

  test('a column that holds less than the sequence that fills it is full first', async () => {
    await using database = await testDatabase(major);
    await database.query(`
      CREATE DOMAIN small AS int2;
      CREATE SEQUENCE shared;
      CREATE TABLE wide (id bigint DEFAULT nextval('shared'));
      CREATE TABLE narrow (id int DEFAULT nextval('shared'), note text DEFAULT 'no ' || nextval('shared'));
      SELECT setval('shared', 1610612736);
      CREATE TABLE tiny (id bigserial, hash int DEFAULT nextval('shared') % 1000);
      ALTER TABLE tiny ALTER id TYPE small;
      SELECT setval('tiny_id_seq', 40000);
      CREATE SEQUENCE own CYCLE;
      CREATE TABLE owner (id int);
      ALTER SEQUENCE own OWNED BY owner.id;
      CREATE TABLE below (id int2 GENERATED ALWAYS AS IDENTITY (INCREMENT -1 MINVALUE -30000 MAXVALUE 30000 START 30000));
    `);
    await using target = await watched(database.url);
    await using locker = await session(database.url);
    // Nothing here may wait for a table that is locked.
    await locker.query('BEGIN; LOCK TABLE narrow, tiny IN ACCESS EXCLUSIVE MODE');
    const { rows } = await readSequences(target.connection);
    await locker.query('ROLLBACK');
    const byName = Object.fromEntries(rows.map((row) => [row.name, row]));
    const shared = {
      narrowColumn: { name: 'public.narrow.id', type: 'integer' },
      limit: '2147483647',
      dataType: 'bigint',
    };
    expect(byName['shared']).toMatchObject(shared);
    expect(byName['shared']?.used).toBeCloseTo(0.75, 6);
    expect(byName['tiny_id_seq']).toMatchObject({
      narrowColumn: { name: 'public.tiny.id', type: 'smallint' },
      limit: '32767',
      used: 1,
    });
    // It would begin again, but the column is full before.
    expect(byName['own']).toMatchObject({ narrowColumn: { name: 'public.owner.id' }, cycles: false });
    expect(byName['below_id_seq']).toMatchObject({ narrowColumn: null, limit: '-30000', used: 0 });
  });
});
