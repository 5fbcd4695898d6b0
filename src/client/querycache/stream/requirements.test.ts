import pg from 'pg';
import { expect, test } from 'vitest';
import { plainRole, session } from '../../../../test/support/catalog.ts';
import { scratchReplica, scratchServer, sharedMajors } from '../../../../test/support/postgres.ts';
import { quietServers } from '../../../../test/support/quiet-servers.ts';
import { eventually } from '../../../../test/support/replicated.ts';
import { ChangeStream, type ChangeStreamOptions, checkRequirements, type RequirementOptions } from './index.ts';

const quietDatabase = quietServers(...sharedMajors());

async function problems(url: string, options: RequirementOptions = {}): Promise<string[]> {
  await using client = await session(url);
  return (await checkRequirements(client, options)).problems.map(({ message }) => message);
}

function streamOf(url: string, options: Partial<ChangeStreamOptions>): ChangeStream & AsyncDisposable {
  const stream = new ChangeStream({ connection: () => ({ connectionString: url }), listener: () => {}, ...options });
  return Object.assign(stream, { [Symbol.asyncDispose]: () => stream.close() });
}

test('all that stands in the way is named, not just the first', async () => {
  await using server = await scratchServer(18, {
    wal_level: 'replica',
    max_wal_senders: '1',
    max_replication_slots: '1',
    max_slot_wal_keep_size: '-1',
  });
  await using replica = await scratchReplica(server, 18);
  await using admin = await session(server.url());
  await admin.query(`CREATE ROLE plain LOGIN PASSWORD 'of it'`);
  const url = new URL(server.url());
  url.username = 'plain';
  url.password = 'of it';
  expect(await problems(url.href, { createPublication: 'all tables', permanentSlot: 'mine' })).toEqual([
    'wal_level is replica',
    'the role plain may not replicate',
    'all 1 replication slots are taken',
    'all 1 WAL senders are taken',
    'a permanent slot could fill the disk of the server',
    'the role plain may not create a publication',
    'only a superuser can publish all tables',
  ]);
  expect(await problems(replica.url())).toEqual(
    expect.arrayContaining(['the server is a standby', 'there is no publication pitcrew']),
  );
  await using stream = streamOf(url.href, {});
  expect(await stream.start()).toMatchObject({
    state: 'refused',
    reason: expect.stringMatching(/wal_level is replica; the role plain may not replicate; .*restart the server/),
  });
});

test.each(sharedMajors())(
  'PostgreSQL %i: only tables are published whose UPDATE does not fail by it',
  async (major) => {
    await using database = await quietDatabase(major);
    await using owner = await plainRole(database);
    await database.query(`ALTER ROLE ${owner.name} REPLICATION`);
    await database.query(`GRANT CREATE ON DATABASE ${database.name} TO ${owner.name}`);
    await database.query(`CREATE SCHEMA own AUTHORIZATION ${owner.name}`);
    await database.query('CREATE TABLE other (id int PRIMARY KEY)');
    await using client = await session(owner.url);
    for (const statement of [
      'CREATE TABLE own.good (id int PRIMARY KEY)',
      'CREATE TABLE own.whole (id int)',
      'ALTER TABLE own.whole REPLICA IDENTITY FULL',
      'CREATE TABLE own.keyless (id int)',
      'CREATE TABLE own.deferred (id int PRIMARY KEY DEFERRABLE)',
      'CREATE TABLE own.nothing (id int PRIMARY KEY)',
      'ALTER TABLE own.nothing REPLICA IDENTITY NOTHING',
      'CREATE UNLOGGED TABLE own.unlogged (id int PRIMARY KEY)',
      'CREATE TABLE own.parts (id int PRIMARY KEY) PARTITION BY RANGE (id)',
      'CREATE TABLE own.part PARTITION OF own.parts FOR VALUES FROM (0) TO (10)',
      'CREATE TABLE own.loose (id int) PARTITION BY RANGE (id)',
      'CREATE TABLE own.piece PARTITION OF own.loose FOR VALUES FROM (0) TO (10)',
      'CREATE TABLE own.child () INHERITS (own.good)',
    ]) {
      await client.query(statement);
    }
    await using stream = streamOf(owner.url, { createPublication: 'tables' });
    const stats = await stream.start();
    expect(stats).toMatchObject({ state: 'open', tables: 3 });
    const told = stats.notes.map((note) => note.replace(/ would fail.*|'s\. Its.*/, ''));
    expect(told.toSorted()).toEqual([
      'UPDATE and DELETE of own.child',
      'UPDATE and DELETE of own.deferred',
      'UPDATE and DELETE of own.keyless',
      'UPDATE and DELETE of own.loose',
      'UPDATE and DELETE of own.nothing',
      'public.other is another role',
    ]);
    for (const table of ['good', 'whole', 'keyless', 'deferred', 'nothing', 'parts', 'loose', 'child']) {
      await client.query(`INSERT INTO own.${table} VALUES (1)`);
      await client.query(`UPDATE own.${table} SET id = 2`);
      await client.query(`DELETE FROM own.${table}`);
    }
    expect(await problems(database.url, { publication: 'more', createPublication: 'all tables' })).toEqual(
      ['keyless', 'deferred', 'nothing', 'loose', 'child'].map(
        (name) => `UPDATE and DELETE of own.${name} would fail if it were published: its rows cannot be told apart`,
      ),
    );
  },
);

test('a table that loses its key while it is published is named', async () => {
  await using database = await quietDatabase();
  await database.query('CREATE TABLE t (id int PRIMARY KEY)');
  await database.query('CREATE TABLE part_of (id int PRIMARY KEY)');
  await database.query('CREATE PUBLICATION pitcrew FOR TABLE t, part_of WHERE (id > 5)');
  await using stream = streamOf(database.url, { watchEveryMs: 20, schemaEveryMs: 20 });
  const stats = await stream.start();
  expect(stats.tables).toBe(1);
  expect(stats.notes).toEqual([expect.stringContaining('tells of some rows of public.part_of only')]);
  await database.query('ALTER TABLE t DROP CONSTRAINT t_pkey');
  await eventually(() => stream.stats().notes).toContainEqual(
    expect.stringContaining('UPDATE and DELETE of public.t fail'),
  );
});

test('a publication of another kind is refused with what to do', async () => {
  await using database = await quietDatabase();
  await database.query(`CREATE PUBLICATION pitcrew WITH (publish = 'insert', publish_via_partition_root)`);
  expect(await problems(database.url, { createPublication: 'all tables' })).toEqual([
    'the publication pitcrew tells of partitions in the name of their table',
    'the publication pitcrew leaves kinds of changes out',
    'the publication pitcrew is one of certain tables',
  ]);
});

test('a server that takes whoever reads its log for a synchronous standby is refused', async () => {
  await using server = await scratchServer(18);
  await using admin = await session(server.url());
  await admin.query('CREATE TABLE t (id int PRIMARY KEY)');
  await admin.query('CREATE PUBLICATION pitcrew FOR TABLE t');
  expect(await problems(server.url())).toEqual([]);
  await admin.query(`ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'`);
  await admin.query('SELECT pg_reload_conf()');
  await eventually(() => problems(server.url())).toEqual([
    'synchronous_standby_names has *, by which the stream would count as a synchronous standby',
  ]);
});

test('a permanent slot stays, is taken again, and only where it cannot fill the disk', async () => {
  await using server = await scratchServer(18, { max_slot_wal_keep_size: '-1' });
  await using admin = await session(server.url());
  await admin.query('CREATE TABLE t (id int PRIMARY KEY)');
  const options: Partial<ChangeStreamOptions> = { createPublication: 'all tables', permanentSlot: 'stays' };
  expect(await problems(server.url(), options)).toEqual(['a permanent slot could fill the disk of the server']);
  await admin.query(`ALTER SYSTEM SET max_slot_wal_keep_size = '1GB'`);
  await admin.query('SELECT pg_reload_conf()');
  await eventually(() => problems(server.url(), options)).toEqual([]);
  const slots = async (): Promise<unknown[]> =>
    (await admin.query<pg.QueryResultRow>('SELECT slot_name, temporary, active FROM pg_replication_slots')).rows;
  {
    await using first = streamOf(server.url(), options);
    expect((await first.start()).state).toBe('open');
    expect(await slots()).toEqual([{ slot_name: 'stays', temporary: false, active: true }]);
    expect(await problems(server.url(), options)).toEqual(['the slot stays is in use']);
  }
  await eventually(slots).toEqual([{ slot_name: 'stays', temporary: false, active: false }]);
  await using writer = await session(server.url());
  await writer.query('BEGIN');
  await writer.query('INSERT INTO t VALUES (1)');
  // A new slot would wait for the writer.
  await using second = streamOf(server.url(), options);
  expect((await second.start()).state).toBe('open');
  await writer.query('COMMIT');
});
