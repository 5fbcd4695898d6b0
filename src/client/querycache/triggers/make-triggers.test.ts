import { expect, test } from 'vitest';
import { plainRole, session } from '../../../../test/support/catalog.ts';
import { scratchReplica, scratchServer, testDatabase, testedMajors } from '../../../../test/support/postgres.ts';
import { eventually } from '../../../../test/support/replicated.ts';
import { heard } from '../../../../test/support/triggered.ts';
import { makeTriggers } from './make-triggers.ts';
import { removeTriggers } from './remove-triggers.ts';

const triggers = `
SELECT tgrelid::regclass::text AS "table", count(*)::int4 AS "triggers"
  FROM pg_trigger WHERE tgname LIKE 'pitcrew%' GROUP BY tgrelid ORDER BY tgrelid`;

test.each(testedMajors(18, 15))(
  'PostgreSQL %i: an owner makes them for its own tables; writers need no rights for them',
  async (major) => {
    await using database = await testDatabase(major);
    await using owner = await plainRole(database);
    await using reader = await plainRole({ ...database, name: `${database.name}_reader` });
    await database.query(`CREATE SCHEMA own AUTHORIZATION ${owner.name}`);
    await database.query('CREATE TABLE public.other (id int PRIMARY KEY)');
    await using it = await session(owner.url);
    for (const statement of [
      'CREATE TABLE own.t (id int PRIMARY KEY)',
      'CREATE TABLE own.parts (id int PRIMARY KEY) PARTITION BY RANGE (id)',
      'CREATE TABLE own.part PARTITION OF own.parts FOR VALUES FROM (0) TO (10)',
      `GRANT USAGE ON SCHEMA own TO ${reader.name}`,
      `GRANT ALL ON ALL TABLES IN SCHEMA own TO ${reader.name}`,
    ]) {
      await it.query(statement);
    }
    {
      await using refused = await heard(owner.url);
      expect(refused.stream.stats()).toMatchObject({
        state: 'refused',
        reason: expect.stringMatching(/may not make the triggers' function.*GRANT CREATE ON DATABASE/),
      });
    }
    await database.query(`GRANT CREATE ON DATABASE ${database.name} TO ${owner.name}`);
    {
      await using early = await heard(reader.url, { createTriggers: false });
      expect(early.stream.stats()).toMatchObject({
        state: 'refused',
        reason: expect.stringContaining('no table has triggers'),
      });
    }
    await using made = await heard(owner.url);
    expect(made.tables()).toEqual(['part', 't']);
    expect(made.stream.stats().notes).toEqual([
      'public.other has no triggers that tell of all changes. Its owner can make them, with createTriggers: true.',
    ]);
    expect(await database.query(triggers)).toEqual(
      ['own.t', 'own.parts', 'own.part'].map((table) => ({ table, triggers: 4 })),
    );
    // As strict as it can be: nobody else may use the schema or the functions.
    const [found] = await database.query<{ names: string }>(
      `SELECT string_agg(oid::regprocedure::text, ', ') AS names FROM pg_proc WHERE pronamespace = 'pitcrew'::regnamespace`,
    );
    await database.query(`REVOKE ALL ON FUNCTION ${found?.names} FROM PUBLIC`);
    await using writer = await session(reader.url);
    await using listener = await heard(reader.url, { createTriggers: false });
    expect(listener.tables()).toEqual(['part', 't']);
    await writer.query('INSERT INTO own.t VALUES (1)');
    await writer.query('UPDATE own.t SET id = 2');
    await writer.query('INSERT INTO own.parts VALUES (3)');
    await writer.query('TRUNCATE own.t');
    await eventually(() => listener.changes().length).toBe(4);
    await eventually(() => made.changes().length).toBe(4);
    expect(listener.closed()).toEqual([]);
  },
);

test('a table that is made later is covered when it has its triggers', async () => {
  await using database = await testDatabase();
  await database.query('CREATE TABLE t (id int PRIMARY KEY)');
  await using it = await heard(database.url);
  await using other = await heard(database.url);
  expect(it.tables()).toEqual(['t']);
  await database.query('CREATE TABLE public.later (id int PRIMARY KEY)');
  await eventually(it.tables).toEqual(['later', 't']);
  await eventually(other.tables).toEqual(['later', 't']);
  const covered = it.opened().map(({ tables }) => tables.size);
  expect(covered[0]).toBe(1);
  expect(covered.at(-1)).toBe(2);
  await database.query('INSERT INTO public.later VALUES (1)');
  await eventually(() => it.changes().length).toBe(1);
  await database.query('ALTER TABLE t DISABLE TRIGGER ALL');
  await eventually(() =>
    database.query(`SELECT tgname FROM pg_trigger WHERE tgenabled <> 'A' AND tgname LIKE 'pitcrew%'`),
  ).toEqual([]);
  await eventually(it.tables).toEqual(['later', 't']);
  expect(it.closed()).toEqual([]);
});

test.each(testedMajors(18, 15))(
  'PostgreSQL %i: a table that cannot be locked in time is left out whole, and others are not',
  async (major) => {
    await using database = await testDatabase(major);
    await database.query('CREATE TABLE busy (id int PRIMARY KEY)');
    await database.query('CREATE TABLE free (id int PRIMARY KEY)');
    await using writer = await session(database.url);
    await writer.query('BEGIN');
    await writer.query('INSERT INTO busy VALUES (1)');
    await using it = await heard(database.url);
    expect(it.tables()).toEqual(['free']);
    expect(it.stream.stats().notes).toContainEqual(
      expect.stringMatching(/^the triggers of public.busy could not be made: .*lock timeout. It is tried again/),
    );
    expect(await database.query(triggers)).toEqual([{ table: 'free', triggers: 4 }]);
    await writer.query('COMMIT');
    await database.query('CREATE VIEW v AS SELECT 1');
    await eventually(it.tables).toEqual(['busy', 'free']);
    expect(it.stream.stats().notes).toEqual([]);
  },
);

test('one at a time makes them', async () => {
  await using database = await testDatabase();
  await database.query('CREATE TABLE t (id int PRIMARY KEY)');
  await using one = await session(database.url);
  await using two = await session(database.url);
  await one.query('BEGIN');
  await one.query('LOCK TABLE t');
  const waiting = makeTriggers(two);
  await eventually(() =>
    database.query(`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`),
  ).toHaveLength(1);
  await using three = await session(database.url);
  expect(await makeTriggers(three)).toEqual({ made: [], leftOut: [], again: true });
  expect((await removeTriggers(three)).left).toEqual([
    expect.objectContaining({ message: expect.stringContaining('somebody else') }),
  ]);
  await one.query('COMMIT');
  expect(await waiting).toEqual({ made: ['public.t'], leftOut: [], again: false });
  expect(await makeTriggers(three)).toEqual({ made: [], leftOut: [], again: false });
});

test('what a newer Pitcrew or a stranger has made is left alone', async () => {
  await using database = await testDatabase();
  await using stranger = await plainRole(database);
  await using owner = await plainRole({ ...database, name: `${database.name}_owner` });
  await database.query(`GRANT ALL ON SCHEMA public TO ${owner.name}`);
  await database.query(`GRANT CREATE ON DATABASE ${database.name} TO ${owner.name}`);
  await using own = await session(owner.url);
  await own.query('CREATE TABLE public.t (id int PRIMARY KEY)');
  await makeTriggers(own);
  const [made] = await database.query<{ name: string }>(
    `SELECT tgfoid::regproc::text AS name FROM pg_trigger WHERE tgrelid = 'public.t'::regclass LIMIT 1`,
  );
  await database.query(`ALTER FUNCTION ${made?.name} OWNER TO ${stranger.name}`);
  {
    await using it = await heard(owner.url);
    expect(it.stream.stats()).toMatchObject({
      state: 'refused',
      reason: expect.stringMatching(/function pitcrew\.tell_changes_v1_\w+ belongs to a role that could change/),
    });
  }
  await own.query('CREATE TABLE public.another (id int PRIMARY KEY)');
  expect(await makeTriggers(own)).toMatchObject({
    made: [],
    leftOut: [{ message: expect.stringContaining('belongs to a role that could change what it does') }],
  });
  await own.query('DROP TABLE public.another');
  await database.query(`ALTER FUNCTION ${made?.name} OWNER TO ${owner.name}`);
  await database.query(`ALTER FUNCTION ${made?.name} RENAME TO tell_changes_v99_x`);
  await using it = await heard(owner.url);
  expect(it.tables()).toEqual([]);
  expect(it.stream.stats().notes).toEqual([
    'the triggers of public.t were made by a newer Pitcrew. Upgrade this Pitcrew.',
  ]);
});

test('a table that a subscription writes to is never covered: statement triggers do not fire by it', async () => {
  await using source = await testDatabase();
  await using target = await testDatabase();
  await source.query('CREATE TABLE t (id int PRIMARY KEY)');
  await target.query('CREATE TABLE t (id int PRIMARY KEY)');
  await target.query('CREATE TABLE own (id int PRIMARY KEY)');
  await using it = await heard(target.url);
  expect(it.tables()).toEqual(['own', 't']);
  await source.query('CREATE PUBLICATION changes FOR TABLE t');
  const slot = `sub_${target.name}`;
  await source.query(`SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
  try {
    await target.query(
      `CREATE SUBSCRIPTION ${slot} CONNECTION '${source.url}' PUBLICATION changes WITH (create_slot = false)`,
    );
    await eventually(it.tables).toEqual(['own']);
    expect(it.stream.stats().notes).toEqual([expect.stringContaining('public.t is written to by a subscription')]);
  } finally {
    await target.query(`ALTER SUBSCRIPTION ${slot} DISABLE`);
    await target.query(`ALTER SUBSCRIPTION ${slot} SET (slot_name = NONE)`);
    await target.query(`DROP SUBSCRIPTION ${slot}`);
    await eventually(() =>
      source.query(`SELECT 1 FROM pg_replication_slots WHERE slot_name = '${slot}' AND active`),
    ).toEqual([]);
    await source.query(`SELECT pg_drop_replication_slot('${slot}')`);
  }
  await eventually(it.tables).toEqual(['own', 't']);
});

test('a standby, and a server on which not everyone may notify, are refused', async () => {
  await using server = await scratchServer(18);
  await using replica = await scratchReplica(server, 18);
  await using admin = await session(server.url());
  await admin.query('CREATE TABLE t (id int PRIMARY KEY)');
  await using onStandby = await heard(replica.url());
  expect(onStandby.stream.stats()).toMatchObject({
    state: 'refused',
    reason: expect.stringContaining('the server is a standby'),
  });
  await admin.query('REVOKE EXECUTE ON FUNCTION pg_catalog.pg_notify(text, text) FROM PUBLIC');
  await using it = await heard(server.url());
  expect(it.stream.stats()).toMatchObject({
    state: 'refused',
    reason: expect.stringContaining('not everyone may execute pg_notify'),
  });
  expect(await admin.query(triggers).then(({ rows }) => rows)).toEqual([]);
});
