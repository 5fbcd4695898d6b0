import { expect, test } from 'vitest';
import { session } from '../../../../test/support/catalog.ts';
import {
  scratchServer,
  sharedMajors,
  type TestDatabase,
  testDatabase,
  testedMajors,
} from '../../../../test/support/postgres.ts';
import { eventually } from '../../../../test/support/replicated.ts';
import { heard, lookedAt } from '../../../../test/support/triggered.ts';
import { keyOf } from '../fence/index.ts';

async function oidOf(database: TestDatabase, table: string): Promise<number> {
  const [found] = await database.query<{ oid: number }>('SELECT $1::regclass::oid AS oid', [table]);
  return found?.oid ?? 0;
}

const ours = `SELECT pid FROM pg_stat_activity WHERE application_name = 'pitcrew trigger stream' AND datname = current_database()`;
const listening = `${ours} AND query LIKE 'LISTEN%'`;

test.each(sharedMajors())('PostgreSQL %i: tells which tables and keys a transaction has changed', async (major) => {
  await using database = await testDatabase(major);
  await database.query('CREATE TABLE pairs (note text, b text, a int, PRIMARY KEY (a, b))');
  await database.query('CREATE TABLE whole (id uuid PRIMARY KEY, note text)');
  await database.query('CREATE TABLE moment (at timestamptz PRIMARY KEY)');
  await database.query('CREATE TABLE wide (id int, note text, PRIMARY KEY (id) INCLUDE (note))');
  await database.query('CREATE TABLE rowless (note text)');
  await database.query('CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY)');
  await using it = await heard(database.url, { keysPerTable: 3 });
  expect(it.stream.stats()).toMatchObject({ state: 'open', reason: undefined, tables: 5, notes: [] });
  const pairs = await oidOf(database, 'pairs');
  const whole = await oidOf(database, 'whole');
  const moment = await oidOf(database, 'moment');
  const wide = await oidOf(database, 'wide');
  const rowless = await oidOf(database, 'rowless');
  const tables = it.opened()[0]?.tables;
  expect(tables?.get(pairs)).toEqual({ oid: pairs, schema: 'public', name: 'pairs', keyColumns: ['b', 'a'] });
  expect(tables?.get(wide)?.keyColumns).toEqual(['id']);
  expect(tables?.get(moment)?.keyColumns).toBeUndefined();

  const xids: number[] = [];
  const transaction = async (...statements: string[]): Promise<void> => {
    await database.query('BEGIN');
    for (const statement of statements) await database.query(statement);
    const [own] = await database.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
    xids.push(Number(own?.xid));
    await database.query('COMMIT');
  };
  const id = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11';
  await transaction(`INSERT INTO pairs VALUES ('n', 'x", "', 1), ('n', 'y', 2)`, `INSERT INTO whole VALUES ('${id}')`);
  await transaction(`UPDATE pairs SET b = 'z' WHERE a = 2`);
  await transaction(
    `DELETE FROM pairs WHERE a = 1`,
    `INSERT INTO rowless VALUES ('x')`,
    'INSERT INTO moment VALUES (now())',
  );
  await transaction(`INSERT INTO wide SELECT generate_series(1, 3)`, `INSERT INTO wide VALUES (4)`);
  await transaction(`TRUNCATE whole`);
  await eventually(() => it.changes().at(-1)?.truncated).toEqual([whole]);
  expect(it.changes().map(({ xid, tables: told }) => [xid, ...told])).toEqual([
    [xids[0], [pairs, new Set([keyOf(['x", "', '1']), keyOf(['y', '2'])])]],
    [xids[0], [whole, new Set([id])]],
    [xids[1], [pairs, new Set([keyOf(['y', '2']), keyOf(['z', '2'])])]],
    [xids[2], [pairs, new Set([keyOf(['x", "', '1'])])]],
    [xids[2], [rowless, 'all']],
    [xids[2], [moment, 'all']],
    [xids[3], [wide, new Set(['1', '2', '3'])]],
    [xids[3], [wide, 'all']],
    [xids[4], [whole, 'all']],
  ]);
  expect(it.stream.stats().transactions).toBe(5);
  expect(it.opened()).toHaveLength(1);
  expect(it.closed()).toEqual([]);
});

test.each(testedMajors(18, 15))(
  'PostgreSQL %i: keys that are too long for one notification come in parts, or as all rows',
  async (major) => {
    await using database = await testDatabase(major);
    await database.query('CREATE TABLE t (id text PRIMARY KEY)');
    await using it = await heard(database.url);
    const keysOf = (since: number) =>
      it
        .changes()
        .slice(since)
        .flatMap(({ tables }) => [...tables.values()]);
    const inserted = async (rows: string): Promise<ReturnType<typeof keysOf>> => {
      const before = it.changes().length;
      await database.query(`INSERT INTO t ${rows}`);
      await eventually(() => it.changes().length).toBeGreaterThan(before);
      await lookedAt(it);
      return keysOf(before);
    };
    const parts = await inserted(`SELECT i || repeat('ü"', 20) FROM generate_series(1, 500) i`);
    expect(parts.length).toBeGreaterThan(3);
    const told = parts.flatMap((keys) => (keys === 'all' ? [] : [...keys]));
    expect(told.toSorted()).toEqual(Array.from({ length: 500 }, (_, i) => `${i + 1}${'ü"'.repeat(20)}`).toSorted());
    expect(await inserted(`SELECT i || repeat('x', 100) FROM generate_series(1, 900) i`)).toEqual(['all']);
    expect(await inserted(`SELECT repeat('\u0001', 2000) || i FROM generate_series(1, 2) i`)).toEqual(['all']);
    expect(await inserted(`SELECT 'many' || i FROM generate_series(1, 1001) i`)).toEqual(['all']);
  },
);

test.each(testedMajors(18, 15))(
  'PostgreSQL %i: begins a new epoch when a table or its triggers change, and for nothing else',
  async (major) => {
    await using database = await testDatabase(major);
    await database.query('CREATE TABLE t (id int PRIMARY KEY, note text)');
    await database.query('CREATE TABLE other (id int PRIMARY KEY)');
    await database.query('CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id)');
    await database.query('CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (10)');
    {
      await using maker = await heard(database.url);
      expect(maker.tables()).toEqual(['other', 'part', 't']);
    }
    await using it = await heard(database.url, { createTriggers: false });
    const epochs = () => new Set(it.opened().map(({ epoch }) => epoch)).size;
    for (const harmless of [
      'INSERT INTO t SELECT generate_series(1, 100)',
      'CREATE TEMPORARY TABLE mine (id int PRIMARY KEY)',
      'VACUUM FULL t',
      'TRUNCATE t',
      'REINDEX TABLE t',
    ]) {
      await database.query(harmless);
    }
    await lookedAt(it);
    expect(epochs()).toBe(1);
    const covered = ['other', 'part', 't'];
    const [found] = await database.query<{ name: string }>(
      `SELECT tgfoid::regproc::text AS name FROM pg_trigger WHERE tgrelid = 't'::regclass LIMIT 1`,
    );
    const [definition] = await database.query<{ text: string }>(
      `SELECT pg_get_functiondef('${found?.name}'::regproc) AS text`,
    );
    const steps: [string, string[]][] = [
      ['ALTER TABLE t DISABLE TRIGGER pitcrew_update', ['other', 'part']],
      ['ALTER TABLE t ENABLE TRIGGER pitcrew_update', ['other', 'part']],
      ['ALTER TABLE t ENABLE ALWAYS TRIGGER pitcrew_update', covered],
      [
        'BEGIN; ALTER TABLE t DISABLE TRIGGER ALL; ALTER TABLE t ENABLE ALWAYS TRIGGER pitcrew_insert; ' +
          'ALTER TABLE t ENABLE ALWAYS TRIGGER pitcrew_delete; ALTER TABLE t ENABLE ALWAYS TRIGGER pitcrew_update; ' +
          'ALTER TABLE t ENABLE ALWAYS TRIGGER pitcrew_truncate; COMMIT',
        covered,
      ],
      ['DROP TRIGGER pitcrew_truncate ON other', ['part', 't']],
      ['DROP TRIGGER pitcrew_insert ON parts', ['t']],
      ['CREATE TABLE public.later (id int PRIMARY KEY)', ['t']],
      [`CREATE OR REPLACE FUNCTION ${found?.name}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`, []],
      [definition?.text ?? '', ['t']],
      [`ALTER FUNCTION ${found?.name} SET search_path = public`, []],
    ];
    for (const [statement, tables] of steps) {
      const before = epochs();
      await database.query(statement);
      await eventually(epochs).toBeGreaterThan(before);
      await eventually(it.tables).toEqual(tables);
    }
    expect(it.closed()).toEqual([]);
    expect(it.stream.stats().notes).toContain(
      'public.later has no triggers that tell of all changes. They are made with createTriggers: true.',
    );
  },
);

test('a column of a key that is renamed or dropped never fails a statement, and is known soon', async () => {
  await using database = await testDatabase();
  await database.query('CREATE TABLE t (id int PRIMARY KEY, email text NOT NULL UNIQUE)');
  const oid = await oidOf(database, 't');
  await using it = await heard(database.url, { schemaEveryMs: 60_000 });
  await using keeper = await heard(database.url, { createTriggers: false, schemaEveryMs: 60_000 });
  await database.query('ALTER TABLE t RENAME id TO number');
  await database.query(`INSERT INTO t VALUES (1, 'a')`);
  await eventually(() => it.changes().at(-1)?.tables).toEqual(new Map([[oid, 'all']]));
  await database.query('ALTER TABLE t DROP COLUMN number, ADD PRIMARY KEY (email)');
  await database.query(`INSERT INTO t VALUES ('b')`);
  await eventually(() => it.changes().length).toBe(2);
  expect(it.changes().at(-1)?.tables).toEqual(new Map([[oid, 'all']]));
  // Another process makes the triggers anew: keys of other columns than are known.
  await using other = await heard(database.url);
  expect(other.opened().at(-1)?.tables.get(oid)?.keyColumns).toEqual(['email']);
  await database.query(`INSERT INTO t VALUES ('c')`);
  await eventually(() => keeper.closed()).toEqual(['schema']);
  expect(keeper.changes().at(-1)).toMatchObject({ ddl: true, tables: new Map([[oid, 'all']]) });
  await eventually(() => keeper.opened().length).toBe(2);
  await database.query(`INSERT INTO t VALUES ('d')`);
  await eventually(() => keeper.changes().at(-1)?.tables).toEqual(new Map([[oid, new Set(['d'])]]));
});

test('what a writer has in its search_path has no say in what is told', async () => {
  await using database = await testDatabase();
  await database.query('CREATE TABLE pairs (b text, a int, PRIMARY KEY (a, b))');
  await database.query('CREATE TABLE rowless (note text)');
  await using it = await heard(database.url);
  await database.query(`
    CREATE SCHEMA evil;
    CREATE FUNCTION evil.never(text, text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this'; END $$;
    CREATE FUNCTION evil.never(int, int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this'; END $$;
    CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.never);
    CREATE OPERATOR evil.= (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.never);
    CREATE OPERATOR evil.> (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.never);
    CREATE DOMAIN evil.text AS pg_catalog.text CHECK (false);
    CREATE FUNCTION evil.pg_notify(text, text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
    CREATE TABLE evil.pitcrew_new (id int);
    SET search_path = evil, pg_catalog`);
  const since = it.changes().length;
  await database.query(`INSERT INTO public.pairs SELECT repeat('y', 50) || i, i FROM generate_series(1, 200) i`);
  await database.query(`INSERT INTO public.rowless VALUES ('x')`);
  await database.query('TRUNCATE public.rowless');
  await eventually(() => it.changes().at(-1)?.truncated.length).toBe(1);
  const told = it
    .changes()
    .slice(since)
    .flatMap(({ tables }) => [...tables.values()]);
  expect(told.slice(-2)).toEqual(['all', 'all']);
  expect(new Set(told.slice(0, -2).flatMap((keys) => (keys === 'all' ? [] : [...keys]))).size).toBe(200);
});

test('comes back by itself when a connection is cut, with a new epoch', async () => {
  await using database = await testDatabase();
  await database.query('CREATE TABLE t (id int PRIMARY KEY)');
  await using it = await heard(database.url);
  for (const which of [listening, `${ours} AND query NOT LIKE 'LISTEN%'`]) {
    const epochs = it.opened().length;
    const cut = await database.query(`SELECT pg_terminate_backend(pid) FROM (${which}) AS found`);
    expect(cut.length).toBeGreaterThan(0);
    await eventually(() => it.opened().length).toBe(epochs + 1);
  }
  expect(it.closed()).toEqual(['lost', 'lost']);
  expect(new Set(it.opened().map(({ epoch }) => epoch)).size).toBe(3);
  await it.stream.close();
  expect(it.closed()).toEqual(['lost', 'lost', 'ended']);
  expect(it.stream.lagMs).toBe(Infinity);
  await eventually(() => database.query(ours)).toEqual([]);
});

test('knows how late it is: what was committed before is here', async () => {
  await using database = await testDatabase();
  await database.query('CREATE TABLE t (id int PRIMARY KEY)');
  await using it = await heard(database.url, { maxLagMs: 500, watchEveryMs: 50 });
  const [backend] = await database.query<{ pid: number }>(listening);
  process.kill(backend?.pid ?? 0, 'SIGSTOP');
  try {
    await database.query('INSERT INTO t VALUES (1)');
    await eventually(() => it.closed()).toEqual(['late']);
    expect(it.stream.stats()).toMatchObject({
      state: 'late',
      reason: expect.stringMatching(/^the stream is \d+ ms behind/),
    });
  } finally {
    process.kill(backend?.pid ?? 0, 'SIGCONT');
  }
  await eventually(() => it.opened().length).toBe(2);
  // Where the insert itself was slow it is younger than what the stream may be late by, and comes a moment after.
  await eventually(() => it.changes()).toHaveLength(1);
  await eventually(() => it.stream.lagMs).toBeLessThan(500);
});

test('gives up a connection on which nothing comes any more', async () => {
  await using database = await testDatabase();
  await database.query('CREATE TABLE t (id int PRIMARY KEY)');
  await using it = await heard(database.url, { maxLagMs: 40, watchEveryMs: 10 });
  const [backend] = await database.query<{ pid: number }>(listening);
  process.kill(backend?.pid ?? 0, 'SIGSTOP');
  try {
    await database.query('INSERT INTO t VALUES (1)');
    await eventually(() => it.closed()).toContain('lost');
    expect(it.events.findLast((event) => event.type === 'closed' && event.why === 'lost')).toMatchObject({
      reason: expect.stringMatching(/nothing has come for \d+ ms/),
    });
  } finally {
    process.kill(backend?.pid ?? 0, 'SIGCONT');
  }
});

test('a server on which nothing happens is asked, and never written to', async () => {
  await using server = await scratchServer(18, { autovacuum: 'off' });
  await using admin = await session(server.url());
  await admin.query('CREATE TABLE t (id int PRIMARY KEY)');
  await using it = await heard(server.url());
  const last = (): number => it.events.findLast((event) => event.type === 'snapshot')?.snapshot.xmax ?? 0;
  await lookedAt(it);
  const before = last();
  await lookedAt(it);
  expect(last()).toBe(before);
  await admin.query('INSERT INTO t VALUES (1)');
  await eventually(last).toBeGreaterThan(before);
  await lookedAt(it);
  const after = last();
  await lookedAt(it);
  expect(last()).toBe(after);
  expect(it.stream.stats().state).toBe('open');
});

test('a nearly full queue of notifications is said, and so is what two-phase commit cannot do any more', async () => {
  await using server = await scratchServer(18, { max_notify_queue_pages: '64', max_prepared_transactions: '2' });
  await using admin = await session(server.url());
  await using stuck = await session(server.url());
  await admin.query('CREATE TABLE t (id int PRIMARY KEY)');
  await using it = await heard(server.url());
  expect(it.stream.stats().notes).toEqual([
    expect.stringMatching(/^PREPARE TRANSACTION fails in a transaction that has written/),
  ]);
  await stuck.query('LISTEN something');
  await stuck.query('BEGIN');
  await stuck.query('SELECT 1');
  await admin.query(`SELECT pg_notify('nobody', repeat('x', 6000) || i) FROM generate_series(1, 45) i`);
  await eventually(() => it.stream.stats().notes).toContainEqual(
    expect.stringMatching(/^the server's queue of notifications is \d+ % full/),
  );
  await stuck.query('COMMIT');
  await eventually(() => it.stream.stats().notes).toHaveLength(1);
  await admin.query('BEGIN');
  await admin.query('INSERT INTO t VALUES (1)');
  await expect(admin.query(`PREPARE TRANSACTION 'two'`)).rejects.toThrow(
    'cannot PREPARE a transaction that has executed',
  );
});

test('closed while it asks where to connect, it connects no more', async () => {
  await using database = await testDatabase();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<{ connectionString: string }>();
  const started = heard(database.url, {
    connection() {
      asked.resolve();
      return answer.promise;
    },
  });
  await asked.promise;
  answer.resolve({ connectionString: database.url });
  await using it = await started;
  await it.stream.close();
  expect(it.closed()).toEqual(['ended']);
  await eventually(() => database.query(ours)).toEqual([]);
});
