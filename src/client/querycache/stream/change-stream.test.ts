import { describe, expect, test } from 'vitest';
import { session } from '../../../../test/support/catalog.ts';
import { scratchServer, sharedMajors, type TestDatabase, testedMajors } from '../../../../test/support/postgres.ts';
import { quietServers } from '../../../../test/support/quiet-servers.ts';
import { eventually } from '../../../../test/support/replicated.ts';
import { keyOf } from '../fence/index.ts';
import { type ChangeStreamOptions, ChangeStream, type StreamEvent } from './index.ts';

const quietDatabase = quietServers(...sharedMajors());

interface Streamed extends AsyncDisposable {
  stream: ChangeStream;
  events: StreamEvent[];
  /** What was told of changes. */
  changes(): Extract<StreamEvent, { type: 'changed' }>[];
  opened(): Extract<StreamEvent, { type: 'open' }>[];
  closed(): string[];
}

async function streamed(url: string, options: Partial<ChangeStreamOptions> = {}): Promise<Streamed> {
  const events: StreamEvent[] = [];
  const stream = new ChangeStream({
    connection: () => ({ connectionString: url }),
    createPublication: 'tables',
    watchEveryMs: 20,
    schemaEveryMs: 20,
    listener: (event) => events.push(event),
    ...options,
  });
  await stream.start();
  return {
    stream,
    events,
    changes: () => events.filter((event) => event.type === 'changed'),
    opened: () => events.filter((event) => event.type === 'open'),
    closed: () => events.flatMap((event) => (event.type === 'closed' ? event.why : [])),
    [Symbol.asyncDispose]: () => stream.close(),
  };
}

async function oidOf(database: TestDatabase, table: string): Promise<number> {
  const [found] = await database.query<{ oid: number }>('SELECT $1::regclass::oid AS oid', [table]);
  return found?.oid ?? 0;
}

describe.each(sharedMajors())('the change stream of PostgreSQL %i', (major) => {
  test('tells which tables and keys a transaction has changed', async () => {
    await using database = await quietDatabase(major);
    await database.query('CREATE TABLE pairs (note text, b text, a int, PRIMARY KEY (a, b))');
    await database.query('CREATE TABLE whole (id int PRIMARY KEY, note text)');
    await database.query('ALTER TABLE whole REPLICA IDENTITY FULL');
    await database.query('CREATE TABLE rowless (note text)');
    await database.query('ALTER TABLE rowless REPLICA IDENTITY FULL');
    await using it = await streamed(database.url, { keysPerTable: 3 });
    expect(it.stream.stats()).toMatchObject({ state: 'open', reason: undefined, tables: 3, notes: [] });
    const pairs = await oidOf(database, 'pairs');
    const whole = await oidOf(database, 'whole');
    const rowless = await oidOf(database, 'rowless');
    expect(it.opened()[0]?.tables.get(pairs)).toEqual({
      oid: pairs,
      schema: 'public',
      name: 'pairs',
      keyColumns: ['b', 'a'],
    });

    const xids: number[] = [];
    const transaction = async (...statements: string[]): Promise<void> => {
      await database.query('BEGIN');
      for (const statement of statements) await database.query(statement);
      const [own] = await database.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
      xids.push(Number(own?.xid));
      await database.query('COMMIT');
    };
    await transaction(`INSERT INTO pairs VALUES ('n', 'x', 1), ('n', 'y', 2)`, `INSERT INTO whole VALUES (7, 'a')`);
    await transaction(`UPDATE pairs SET b = 'z' WHERE a = 2`, `UPDATE whole SET note = 'b'`);
    await transaction(`DELETE FROM pairs WHERE a = 1`, `INSERT INTO rowless VALUES ('x')`);
    await transaction(`INSERT INTO whole SELECT generate_series(100, 200)`);
    await transaction(`TRUNCATE whole`);
    await expect.poll(() => it.changes().length).toBeGreaterThanOrEqual(5);
    await eventually(() => it.changes().at(-1)?.truncated).toEqual([whole]);
    const told = it.changes().map(({ xid, tables, ddl }) => ({ xid, tables, ddl }));
    expect(told).toEqual([
      {
        xid: xids[0],
        ddl: false,
        tables: new Map([
          [pairs, new Set([keyOf(['x', '1']), keyOf(['y', '2'])])],
          [whole, new Set(['7'])],
        ]),
      },
      {
        xid: xids[1],
        ddl: false,
        tables: new Map([
          [pairs, new Set([keyOf(['y', '2']), keyOf(['z', '2'])])],
          [whole, new Set(['7'])],
        ]),
      },
      { xid: xids[2], ddl: false, tables: new Map<number, unknown>([[rowless, 'all']]) },
      {
        xid: xids[2],
        ddl: false,
        tables: new Map<number, unknown>([
          [pairs, new Set([keyOf(['x', '1'])])],
          [rowless, 'all'],
        ]),
      },
      { xid: xids[3], ddl: false, tables: new Map([[whole, 'all']]) },
      { xid: xids[3], ddl: false, tables: new Map([[whole, 'all']]) },
      { xid: xids[4], ddl: false, tables: new Map([[whole, 'all']]) },
    ]);
    expect(it.opened()).toHaveLength(1);
    expect(it.closed()).toEqual([]);
  });

  test('notices in the stream itself that a table was changed before the next change of it', async () => {
    await using database = await quietDatabase(major);
    await database.query('CREATE TABLE t (id int PRIMARY KEY, email text NOT NULL UNIQUE)');
    await using it = await streamed(database.url, { schemaEveryMs: 60_000 });
    await database.query(`INSERT INTO t VALUES (1, 'a')`);
    await database.query('BEGIN');
    await database.query('ALTER TABLE t REPLICA IDENTITY USING INDEX t_email_key');
    await database.query(`INSERT INTO t VALUES (2, 'b')`);
    await database.query('COMMIT');
    const oid = await oidOf(database, 't');
    await eventually(() => it.closed()).toEqual(['schema']);
    expect(it.changes().at(-1)).toMatchObject({ ddl: true, tables: new Map([[oid, 'all']]) });
    await eventually(() => it.opened().length).toBe(2);
    expect(it.opened().at(-1)?.tables.get(oid)?.keyColumns).toEqual(['email']);
    await database.query(`INSERT INTO t VALUES (3, 'c')`);
    await eventually(() => it.changes().at(-1)?.tables).toEqual(new Map([[oid, new Set(['c'])]]));
  });
});

test('goes on only when others see what has changed a table, which is in the stream before', async () => {
  await using server = await scratchServer();
  await using admin = await session(server.url());
  await admin.query('CREATE TABLE t (id int PRIMARY KEY, email text NOT NULL UNIQUE)');
  const [{ oid } = { oid: 0 }] = (await admin.query<{ oid: number }>(`SELECT 't'::regclass::oid AS oid`)).rows;
  await using it = await streamed(server.url(), { schemaEveryMs: 60_000 });
  await using other = await session(server.url());
  const commitsWaitFor = async (standby: string): Promise<void> => {
    await admin.query(`ALTER SYSTEM SET synchronous_standby_names = '${standby}'`);
    await admin.query('SELECT pg_reload_conf()');
  };
  await commitsWaitFor('nobody');
  await eventually(async () => (await other.query('SHOW synchronous_standby_names')).rows).toEqual([
    { synchronous_standby_names: 'nobody' },
  ]);
  const changed = other.query(`
    BEGIN;
    ALTER TABLE t REPLICA IDENTITY USING INDEX t_email_key;
    INSERT INTO t VALUES (1, 'a');
    COMMIT`);
  await eventually(() => it.closed()).toEqual(['schema']);
  const { rows } = await admin.query(`SELECT relreplident AS identity FROM pg_class WHERE oid = ${oid}`);
  expect(rows).toEqual([{ identity: 'd' }]);
  expect(it.opened()).toHaveLength(1);
  await commitsWaitFor('');
  await changed;
  await eventually(() => it.opened().length).toBe(2);
  expect(it.opened()[1]?.tables.get(oid)?.keyColumns).toEqual(['email']);
});

test.each(testedMajors(18, 15))(
  'PostgreSQL %i: begins a new epoch after changes of definitions, and for nothing else',
  async (major) => {
    await using database = await quietDatabase(major);
    await database.query('CREATE TABLE t (id int PRIMARY KEY, note text)');
    await database.query('CREATE VIEW v AS SELECT id FROM t');
    await database.query('CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$');
    await using it = await streamed(database.url);
    const epochs = () => new Set(it.opened().map(({ epoch }) => epoch)).size;
    await using other = await session(database.url);
    const known = async (): Promise<void> => {
      const before = it.events.filter(({ type }) => type === 'snapshot').length;
      await eventually(() => it.events.filter(({ type }) => type === 'snapshot').length).toBeGreaterThan(before + 2);
    };
    for (const harmless of [
      'INSERT INTO t SELECT generate_series(1, 100)',
      'CREATE TEMPORARY TABLE mine (id int PRIMARY KEY, state text)',
      'ANALYZE t',
      'VACUUM t',
      'VACUUM FULL t',
      'TRUNCATE t',
      'CREATE INDEX by_note ON t (note)',
      'REINDEX TABLE t',
      'DROP TABLE mine',
    ]) {
      await other.query(harmless);
    }
    await known();
    expect(epochs()).toBe(1);
    for (const change of [
      'ALTER TABLE t ADD COLUMN more int',
      'ALTER TABLE t RENAME COLUMN more TO less',
      'ALTER TABLE t DROP COLUMN less',
      'CREATE OR REPLACE VIEW v AS SELECT id, note FROM t',
      'CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 2 $$',
      'CREATE SCHEMA closer CREATE TABLE t (id int PRIMARY KEY)',
      'ALTER TABLE t ENABLE ROW LEVEL SECURITY',
      'CREATE POLICY p ON t USING (id > 1)',
      'GRANT SELECT ON t TO PUBLIC',
      'CREATE UNIQUE INDEX one_note ON t (note)',
      'CREATE TABLE child () INHERITS (t)',
      'ALTER TABLE child ADD FOREIGN KEY (id) REFERENCES t ON DELETE CASCADE',
      'ALTER TABLE child ADD CHECK (id > 0)',
      'CREATE TRIGGER g BEFORE UPDATE ON child FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()',
      'ALTER TABLE child DISABLE TRIGGER g',
      'CREATE RULE r AS ON DELETE TO child DO NOTHING',
      'ALTER TABLE child ALTER note SET DEFAULT current_user',
      'CREATE DOMAIN positive AS int',
      'ALTER DOMAIN positive ADD CHECK (VALUE > 0)',
      `CREATE TYPE mood AS ENUM ('fine')`,
      `ALTER TYPE mood RENAME VALUE 'fine' TO 'well'`,
      `ALTER DATABASE ${database.name} SET search_path = closer`,
      'ALTER PUBLICATION pitcrew DROP TABLE ONLY t',
    ]) {
      const before = epochs();
      await other.query(change);
      await eventually(epochs).toBeGreaterThan(before);
    }
    expect(it.closed()).toEqual([]);
    const oid = await oidOf(database, 'public.t');
    expect(it.opened()[0]?.tables.has(oid)).toBe(true);
    expect(it.opened().at(-1)?.tables.has(oid)).toBe(false);
  },
);

test('an event trigger or a migration may tell of definitions by a message', async () => {
  await using database = await quietDatabase();
  await database.query('CREATE TABLE t (id int PRIMARY KEY)');
  await using it = await streamed(database.url, { schemaEveryMs: 60_000 });
  await database.query(`
    CREATE FUNCTION tell() RETURNS event_trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_logical_emit_message(true, 'pitcrew:ddl', tg_tag); END $$`);
  await database.query('CREATE EVENT TRIGGER pitcrew ON ddl_command_end EXECUTE FUNCTION tell()');
  await database.query('CREATE VIEW v AS SELECT 1');
  await eventually(() => it.closed()).toEqual(['schema']);
  await eventually(() => it.opened().length).toBe(2);
  await database.query(`SELECT pg_logical_emit_message(false, 'pitcrew:ddl', '')`);
  await database.query('INSERT INTO t VALUES (1)');
  await eventually(() => it.opened().length).toBe(3);
});

test('comes back by itself when a connection is cut, with a new epoch and another slot', async () => {
  await using database = await quietDatabase();
  await database.query('CREATE TABLE t (id int PRIMARY KEY)');
  await using it = await streamed(database.url);
  for (const backends of [`backend_type = 'walsender'`, `backend_type = 'client backend'`]) {
    const epochs = it.opened().length;
    const cut = await database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'pitcrew change stream' AND datname = current_database() AND ${backends}`,
    );
    expect(cut).toHaveLength(1);
    await eventually(() => it.opened().length).toBe(epochs + 1);
  }
  expect(it.closed()).toEqual(['lost', 'lost']);
  expect(it.events.find((event) => event.type === 'closed')).toMatchObject({
    reason: expect.stringContaining('terminat'),
  });
  expect(new Set(it.opened().map(({ epoch }) => epoch)).size).toBe(3);
  await it.stream.close();
  expect(it.closed()).toEqual(['lost', 'lost', 'ended']);
  expect(it.stream.stats()).toMatchObject({ state: 'ended', lagMs: undefined });
  expect(it.stream.lagMs).toBe(Infinity);
  expect(await database.query('SELECT 1 FROM pg_replication_slots WHERE database = current_database()')).toEqual([]);
});

test('knows how late it is: what was committed before is here', async () => {
  await using database = await quietDatabase();
  await database.query('CREATE TABLE t (id int PRIMARY KEY)');
  await using it = await streamed(database.url, { maxLagMs: 500, watchEveryMs: 50 });
  const [sender] = await database.query<{ pid: number }>(
    `SELECT active_pid AS pid FROM pg_replication_slots WHERE database = current_database()`,
  );
  process.kill(sender?.pid ?? 0, 'SIGSTOP');
  try {
    await database.query('INSERT INTO t VALUES (1)');
    await eventually(() => it.closed()).toEqual(['late']);
    expect(it.stream.stats()).toMatchObject({
      state: 'late',
      reason: expect.stringMatching(/^the stream is \d+ ms behind/),
    });
  } finally {
    process.kill(sender?.pid ?? 0, 'SIGCONT');
  }
  await eventually(() => it.opened().length).toBe(2);
  // Where the insert itself was slow it is younger than what the stream may be late by, and comes a moment after.
  await eventually(() => it.changes()).toHaveLength(1);
  await eventually(() => it.stream.lagMs).toBeLessThan(500);
});

test('gives up a connection on which nothing comes any more', async () => {
  // Of its own: whoever drops a database elsewhere waits for the sender that is stopped, and a new slot waits for them.
  await using server = await scratchServer();
  await using admin = await session(server.url());
  await admin.query('CREATE TABLE t (id int PRIMARY KEY)');
  await using it = await streamed(server.url(), { maxLagMs: 40, watchEveryMs: 10 });
  const { rows } = await admin.query<{ pid: number }>('SELECT active_pid AS pid FROM pg_replication_slots');
  const pid = rows[0]?.pid ?? 0;
  const epochs = it.opened().length;
  process.kill(pid, 'SIGSTOP');
  try {
    await eventually(() => it.closed()).toContain('lost');
    expect(it.events.findLast((event) => event.type === 'closed' && event.why === 'lost')).toMatchObject({
      reason: expect.stringMatching(/nothing has come for \d+ ms/),
    });
    await eventually(() => it.opened().length).toBeGreaterThan(epochs);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await it.stream.close();
  await eventually(async () => (await admin.query('SELECT 1 FROM pg_replication_slots')).rows).toEqual([]);
});

test('closing while it waits for a running transaction ends at once', async () => {
  await using database = await quietDatabase();
  await database.query('CREATE TABLE t (id int PRIMARY KEY)');
  await using writer = await session(database.url);
  await writer.query('BEGIN');
  await writer.query('INSERT INTO t VALUES (1)');
  const stream = new ChangeStream({
    connection: () => ({ connectionString: database.url }),
    createPublication: 'tables',
    listener: () => {},
  });
  const started = stream.start();
  const slots = () => database.query(`SELECT 1 FROM pg_replication_slots WHERE database = current_database()`);
  await eventually(slots).toHaveLength(1);
  expect(stream.stats()).toMatchObject({ state: 'starting', reason: expect.stringContaining('waited for') });
  await stream.close();
  expect((await started).state).toBe('ended');
  await eventually(slots).toEqual([]);
  await writer.query('ROLLBACK');
});

test('closed while it asks where to connect, it connects no more', async () => {
  await using database = await quietDatabase();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<{ connectionString: string }>();
  const events: StreamEvent[] = [];
  const stream = new ChangeStream({
    connection() {
      asked.resolve();
      return answer.promise;
    },
    listener: (event) => events.push(event),
  });
  const started = stream.start();
  await asked.promise;
  await stream.close();
  answer.resolve({ connectionString: database.url });
  expect((await started).state).toBe('ended');
  expect(events).toEqual([{ type: 'closed', why: 'ended', reason: 'closed' }]);
  expect(
    await database.query(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '%stream'`,
    ),
  ).toEqual([]);
});
