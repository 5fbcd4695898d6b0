import { session } from '../../../../test/support/catalog.ts';
import { changedBy } from '../../../../test/support/changed-by.ts';
import { testDatabase, testedMajors, type TestDatabase } from '../../../../test/support/postgres.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type DeclaredFunctions,
  describe as describeStatement,
  judgeFunctions,
  loadParser,
} from '../../../sql/index.ts';
import { type Catalog, readCatalog, readSession, type Session } from '../dependencies/index.ts';
import { footprintOf } from './footprint.ts';

const schema = `
  SET search_path = public;
  CREATE SCHEMA other;
  CREATE SCHEMA pitcrew;
  CREATE TABLE log (at int);

  CREATE TABLE users (id int PRIMARY KEY, name text);
  CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE);
  CREATE TABLE items (id int PRIMARY KEY, order_id int REFERENCES orders ON DELETE SET NULL);
  CREATE TABLE notes (id int PRIMARY KEY, user_id int REFERENCES users);
  CREATE TABLE remarks (id int PRIMARY KEY, item_id int DEFAULT 1 REFERENCES items ON DELETE SET DEFAULT ON UPDATE SET NULL);
  CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree ON DELETE CASCADE);
  CREATE TABLE other.users (id int PRIMARY KEY);
  CREATE UNLOGGED TABLE fast (id int);

  CREATE TABLE events (id int PRIMARY KEY, note_id int REFERENCES notes ON DELETE CASCADE, a int) PARTITION BY RANGE (id);
  CREATE TABLE events_0 PARTITION OF events FOR VALUES FROM (-5) TO (5);
  CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (5) TO (100) PARTITION BY HASH (id);
  CREATE TABLE events_1_a PARTITION OF events_1 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
  CREATE TABLE event_texts (id int PRIMARY KEY, event_id int REFERENCES events ON DELETE CASCADE);
  CREATE TABLE first_texts (id int PRIMARY KEY, event_id int REFERENCES events_0 ON DELETE CASCADE);
  CREATE TABLE animals (id int, name text);
  CREATE TABLE dogs (breed text) INHERITS (animals);
  CREATE TABLE puppies (age int) INHERITS (dogs);

  CREATE VIEW named AS SELECT id, name FROM users WHERE name IS NOT NULL AND id NOT IN (SELECT at FROM log);
  CREATE VIEW named_2 AS SELECT id, name FROM named WHERE id > 0 WITH CHECK OPTION;
  CREATE VIEW some_events AS SELECT id, a FROM events;
  CREATE VIEW joined AS SELECT o.id FROM orders o JOIN users u ON u.id = o.user_id;
  CREATE MATERIALIZED VIEW totals AS SELECT user_id, count(*) FROM orders GROUP BY 1;

  CREATE FUNCTION logs() RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (1); RETURN 1; END';
  CREATE FUNCTION logs_sql() RETURNS int LANGUAGE sql BEGIN ATOMIC INSERT INTO log VALUES (1) RETURNING at; END;
  CREATE FUNCTION logs_deep(n int DEFAULT logs_sql()) RETURNS int LANGUAGE sql STABLE RETURN n;
  CREATE FUNCTION logs_stable() RETURNS int LANGUAGE sql STABLE RETURN logs();
  CREATE FUNCTION computes(n int) RETURNS int LANGUAGE sql RETURN n + 1;
  CREATE FUNCTION looks(n int) RETURNS bigint LANGUAGE plpgsql STABLE AS 'BEGIN RETURN (SELECT count(*) FROM log); END';
  CREATE FUNCTION unread(n int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN n; END';
  CREATE FUNCTION log(text) RETURNS int LANGUAGE sql AS 'INSERT INTO log VALUES (1) RETURNING at';
  CREATE FUNCTION other.lower(text) RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM logs(); RETURN $1; END';
  CREATE FUNCTION as_column(users) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN logs(); END';
  CREATE PROCEDURE does() LANGUAGE sql AS 'INSERT INTO log VALUES (1)';
  CREATE VIEW logging AS SELECT id, logs() AS n FROM users;
  CREATE MATERIALIZED VIEW logged AS SELECT id, logs() AS n FROM users;
  CREATE VIEW computing AS SELECT id, computes(id) AS n FROM users;

  CREATE FUNCTION on_change() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO log VALUES (1); IF TG_LEVEL = ''ROW'' THEN RETURN coalesce(NEW, OLD); END IF; RETURN NULL; END';
  CREATE FUNCTION touches() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
  CREATE FUNCTION pitcrew.told() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
  CREATE TABLE watched (id int PRIMARY KEY, a int);
  CREATE TRIGGER t AFTER UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION on_change();
  CREATE TABLE emptied (id int);
  CREATE TRIGGER t AFTER TRUNCATE ON emptied EXECUTE FUNCTION on_change();
  CREATE TABLE quiet (id int PRIMARY KEY);
  CREATE TRIGGER t AFTER INSERT ON quiet FOR EACH ROW EXECUTE FUNCTION on_change();
  ALTER TABLE quiet DISABLE TRIGGER t;
  CREATE TRIGGER u AFTER INSERT OR DELETE ON quiet FOR EACH ROW EXECUTE FUNCTION pitcrew.told();
  CREATE TRIGGER v BEFORE UPDATE ON quiet FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
  CREATE TABLE touched (id int PRIMARY KEY, at timestamptz);
  CREATE TRIGGER t BEFORE UPDATE ON touched FOR EACH ROW EXECUTE FUNCTION touches();
  CREATE TABLE conditional (id int);
  CREATE TRIGGER t AFTER INSERT ON conditional FOR EACH ROW WHEN (logs() > 1) EXECUTE FUNCTION pitcrew.told();
  CREATE TABLE far (id int PRIMARY KEY, watched_id int REFERENCES quiet ON DELETE CASCADE);
  CREATE TRIGGER t AFTER DELETE ON far EXECUTE FUNCTION on_change();
  CREATE TABLE moved (id int PRIMARY KEY) PARTITION BY RANGE (id);
  CREATE TABLE moved_0 PARTITION OF moved FOR VALUES FROM (0) TO (5);
  CREATE TABLE moved_1 PARTITION OF moved FOR VALUES FROM (5) TO (100);
  CREATE TRIGGER t AFTER INSERT ON moved_1 FOR EACH ROW EXECUTE FUNCTION on_change();
  CREATE TABLE cloned (id int PRIMARY KEY) PARTITION BY RANGE (id);
  CREATE TABLE cloned_0 PARTITION OF cloned FOR VALUES FROM (0) TO (100);
  CREATE TRIGGER t AFTER INSERT ON cloned FOR EACH ROW EXECUTE FUNCTION on_change();

  CREATE TABLE ruled (id int);
  CREATE RULE r AS ON DELETE TO ruled DO ALSO INSERT INTO log VALUES (1);
  CREATE VIEW instead_trigger AS SELECT id FROM users;
  CREATE TRIGGER t INSTEAD OF DELETE ON instead_trigger FOR EACH ROW EXECUTE FUNCTION on_change();
  CREATE VIEW instead_rule AS SELECT id FROM users;
  CREATE RULE r AS ON DELETE TO instead_rule DO INSTEAD INSERT INTO log VALUES (1);

  CREATE TABLE defaulted (id int, n int DEFAULT logs());
  CREATE TABLE numbered (id serial, at timestamptz DEFAULT now(), u uuid DEFAULT gen_random_uuid());
  CREATE TABLE checked (id int CHECK (unread(id) > 0));
  CREATE DOMAIN watched_int AS int CHECK (logs() = VALUE);
  CREATE TABLE in_domain (id watched_int);
  CREATE TABLE with_policy (id int, tenant text);
  ALTER TABLE with_policy ENABLE ROW LEVEL SECURITY;
  CREATE POLICY p ON with_policy FOR INSERT WITH CHECK (id IN (SELECT n FROM logging));

  CREATE TYPE mood AS ENUM ('good', 'bad');
  CREATE FUNCTION mood_of(int) RETURNS mood LANGUAGE plpgsql AS 'BEGIN PERFORM logs(); RETURN ''good''; END';
  CREATE CAST (int AS mood) WITH FUNCTION mood_of(int) AS ASSIGNMENT;
  CREATE TABLE moods (id int, mood mood);
  CREATE FUNCTION nears(int, int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN PERFORM logs(); RETURN true; END';
  CREATE OPERATOR <?> (LEFTARG = int, RIGHTARG = int, FUNCTION = nears);

  INSERT INTO users SELECT n, 'n' FROM generate_series(1, 9) n;
  INSERT INTO orders SELECT n, n FROM generate_series(1, 9) n;
  INSERT INTO items SELECT n, n FROM generate_series(1, 9) n;
  INSERT INTO remarks SELECT n, n FROM generate_series(1, 9) n;
  INSERT INTO notes VALUES (1, NULL), (2, 9);
  INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2);
  INSERT INTO events SELECT n, 1, 1 FROM generate_series(0, 9) n;
  INSERT INTO event_texts SELECT n, n FROM generate_series(1, 9) n;
  INSERT INTO first_texts VALUES (1, 1);
  INSERT INTO animals VALUES (1);
  INSERT INTO dogs VALUES (2);
  INSERT INTO puppies VALUES (3);
  INSERT INTO watched VALUES (1);
  INSERT INTO quiet VALUES (1);
  INSERT INTO far VALUES (1, 1);
  INSERT INTO moved VALUES (1);
  INSERT INTO ruled VALUES (1);
  INSERT INTO log VALUES (100);
`;

/** Footprints; what is in parentheses the statement does not change, as the server says. */
const known: [text: string, tables: string][] = [
  ['SELECT * FROM users FOR UPDATE', ''],
  ['SELECT computes(id), looks(id), lower(name) FROM users', ''],
  ['SELECT * FROM computing', ''],
  [`SELECT set_config('a.b', '1', false), nextval('numbered_id_seq'), pg_advisory_xact_lock(1)`, ''],
  ['EXPLAIN DELETE FROM users', ''],
  ['PREPARE p AS DELETE FROM users', ''],
  ['LOCK users', ''],
  ['ANALYZE users', ''],
  [`SET search_path = other, public`, ''],
  [`INSERT INTO users VALUES (10, 'x')`, 'users'],
  ['INSERT INTO other.users VALUES (10)', 'other.users'],
  [`INSERT INTO users VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET id = 20`, 'users orders'],
  ['INSERT INTO users VALUES (1) ON CONFLICT DO NOTHING', '(users)'],
  ['UPDATE users SET id = 20 WHERE id = 1', 'users orders'],
  [`UPDATE users SET name = 'x'`, 'users (orders)'],
  ['DELETE FROM users WHERE id = 1', 'users orders items (remarks)'],
  ['DELETE FROM orders WHERE id = 1', 'orders items (remarks)'],
  ['DELETE FROM items WHERE id = 2', 'items remarks'],
  ['UPDATE items SET id = 20 WHERE id = 1', 'items remarks'],
  ['DELETE FROM tree WHERE id = 1', 'tree'],
  ['DELETE FROM fast', '(fast)'],
  ['INSERT INTO fast VALUES (1)', 'fast'],
  [
    'WITH x AS (DELETE FROM orders WHERE id = 1 RETURNING id) INSERT INTO notes SELECT 20 FROM x',
    'orders items (remarks) notes',
  ],
  ['MERGE INTO users u USING (SELECT 1 AS n) x ON u.id = x.n WHEN MATCHED THEN DELETE', 'users orders items (remarks)'],
  ['MERGE INTO users u USING (SELECT 20 AS n) x ON u.id = x.n WHEN NOT MATCHED THEN INSERT VALUES (n)', 'users'],
  ['EXPLAIN ANALYZE DELETE FROM orders WHERE id = 1', 'orders items (remarks)'],
  ['BEGIN; DELETE FROM items WHERE id = 2; SELECT 1', 'items remarks'],
  // Partitions and inheritance.
  ['INSERT INTO events VALUES (20)', '(events) (events_0) (events_1) events_1_a'],
  [
    'MERGE INTO ONLY events e USING (SELECT 20 AS n) x ON e.id = x.n WHEN NOT MATCHED THEN INSERT VALUES (n)',
    '(events) (events_0) (events_1) events_1_a',
  ],
  ['INSERT INTO events_0 VALUES (-1)', 'events_0'],
  ['UPDATE events SET a = 2', '(events) events_0 (events_1) events_1_a (first_texts)'],
  ['UPDATE events SET id = 50 WHERE id = 0', '(events) events_0 (events_1) events_1_a (first_texts)'],
  ['UPDATE events_1 SET a = 2', '(events_1) events_1_a'],
  ['DELETE FROM events', '(events) events_0 (events_1) events_1_a event_texts first_texts'],
  ['DELETE FROM events_0', 'events_0 event_texts first_texts'],
  ['DELETE FROM events_1_a', 'events_1_a event_texts'],
  ['DELETE FROM notes WHERE id = 1', 'notes (events) events_0 (events_1) events_1_a event_texts first_texts'],
  ['TRUNCATE events_1 CASCADE', '(events_1) events_1_a event_texts'],
  ['TRUNCATE event_texts', 'event_texts'],
  ['TRUNCATE animals', 'animals dogs puppies'],
  ['TRUNCATE ONLY animals', 'animals'],
  ['TRUNCATE notes CASCADE', 'notes (events) events_0 (events_1) events_1_a event_texts first_texts'],
  ['TRUNCATE orders CASCADE', 'orders items remarks'],
  ['UPDATE animals SET id = 1', 'animals dogs puppies'],
  ['UPDATE ONLY animals SET id = 1', 'animals'],
  ['DELETE FROM dogs', 'dogs puppies'],
  ['INSERT INTO animals VALUES (4)', 'animals'],
  // Views.
  [`INSERT INTO named VALUES (20, 'x')`, 'users'],
  ['DELETE FROM named_2 WHERE id = 1', 'users orders items (remarks)'],
  ['UPDATE some_events SET a = 3', '(events) events_0 (events_1) events_1_a (first_texts)'],
  ['UPDATE computing SET id = id', 'users (orders)'],
  ['INSERT INTO instead_trigger VALUES (20)', 'users'],
  ['INSERT INTO instead_rule VALUES (20)', 'users'],
  ['REFRESH MATERIALIZED VIEW totals', 'totals'],
  // Triggers, rules and functions that do no harm.
  ['INSERT INTO watched VALUES (2)', 'watched'],
  ['INSERT INTO ruled VALUES (2)', 'ruled'],
  ['INSERT INTO quiet VALUES (2)', 'quiet'],
  ['UPDATE quiet SET id = 1', '(quiet)'],
  ['UPDATE far SET id = 2', 'far'],
  ['INSERT INTO moved_0 VALUES (2)', 'moved_0'],
  ['DELETE FROM moved', '(moved) moved_0 (moved_1)'],
  ['INSERT INTO numbered DEFAULT VALUES', 'numbered'],
  ['DELETE FROM emptied', '(emptied)'],
  ['INSERT INTO touched VALUES (1)', 'touched'],
];

const unknown: [text: string, reason: RegExp][] = [
  ['CALL does()', /text \(call\) does not tell/],
  ['DO $$ BEGIN DELETE FROM users; END $$', /does not tell/],
  ['EXECUTE p', /does not tell/],
  ['CREATE TABLE made AS TABLE users', /does not tell/],
  ['ALTER TABLE users DROP name', /does not tell/],
  ['SELEC 1', /cannot be parsed/],
  ['SET search_path = other; DELETE FROM users', /several/],
  ['DELETE FROM users; CALL does()', /several/],
  ['INSERT INTO temp_table VALUES (1)', /temporary table of this session/],
  ['INSERT INTO pg_temp.temp_table VALUES (1)', /temporary table/],
  ['INSERT INTO notes SELECT id FROM temp_table', /temporary table of this session/],
  ['INSERT INTO missing VALUES (1)', /missing is not known/],
  ['DELETE FROM pg_catalog.pg_statistic', /the system's own/],
  ['UPDATE watched SET a = 1', /a trigger of watched calls public.on_change\(\)/],
  ['INSERT INTO watched VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1', /a trigger of watched/],
  ['TRUNCATE emptied', /a trigger of emptied/],
  ['DELETE FROM quiet', /a trigger of far/],
  ['UPDATE touched SET at = now()', /a trigger of touched calls public.touches/],
  // A row that moves is inserted where it goes.
  ['UPDATE moved SET id = 50', /a trigger of moved_1/],
  ['INSERT INTO moved VALUES (50)', /a trigger of moved_1/],
  ['INSERT INTO cloned_0 VALUES (1)', /a trigger of cloned_0/],
  ['DELETE FROM ruled', /ruled has a rule for delete/],
  ['DELETE FROM instead_trigger', /a trigger of instead_trigger/],
  ['DELETE FROM instead_rule', /instead_rule has a rule for delete/],
  ['INSERT INTO defaulted (id) VALUES (1)', /public.logs\(\), which is not known to write nothing/],
  ['INSERT INTO checked VALUES (1)', /public.unread/],
  ['INSERT INTO in_domain VALUES (1)', /public.logs/],
  [`INSERT INTO with_policy VALUES (1, 'a')`, /public.logs/],
  ['INSERT INTO conditional VALUES (1)', /public.logs/],
  ['SELECT logs()', /public.logs/],
  ['SELECT logs_sql()', /the function public.logs_sql\(\) writes/],
  ['SELECT logs_deep()', /the function public.logs_sql\(\) writes/],
  ['SELECT logs_stable()', /public.logs/],
  ['SELECT * FROM logging', /public.logs/],
  ['REFRESH MATERIALIZED VIEW logged', /public.logs/],
  [`SELECT log('x')`, /public.log\(\)/],
  ['SELECT u.as_column FROM users u', /public.as_column/],
  ['SELECT 1::watched_int', /public.logs/],
  ['INSERT INTO moods VALUES (1, 1)', /a cast whose function/],
  ['SELECT 1::mood', /a cast whose function/],
  ['SELECT 1 <?> 2', /the operator <\?>/],
  ['SELECT missing(1)', /missing\(\) is not known/],
  [`SELECT query_to_xml('SELECT logs()', true, true, '')`, /query_to_xml\(\), which may write/],
  ['UPDATE users SET id = unread(id)', /public.unread/],
];

describe.each(testedMajors(18, 16, 15))('PostgreSQL %i', (major) => {
  let database: TestDatabase;
  let client: Awaited<ReturnType<typeof session>>;
  let names: Map<number, string>;
  let catalog: Catalog;
  let asked: Session;

  beforeAll(async () => {
    await loadParser();
    database = await testDatabase(major);
    await database.query(schema);
    client = await session(database.url);
    await client.query('CREATE TEMP TABLE temp_table (id int)');
    const { rows } = await client.query<{ oid: number; name: string }>(
      'SELECT oid::int, oid::regclass::text AS name FROM pg_class',
    );
    names = new Map(rows.map(({ oid, name }) => [oid, name]));
    catalog = await readCatalog(client);
    asked = await readSession(client);
  });

  afterAll(async () => {
    await client.end();
    await database[Symbol.asyncDispose]();
  });

  const explained = (text: string, declared: DeclaredFunctions = {}) =>
    footprintOf(describeStatement(text), catalog, asked, judgeFunctions(declared));
  const sorted = (oids: Iterable<number>) => Array.from(oids, (oid) => names.get(oid)).toSorted();

  test.each(known)('%s: %s', async (text, tables) => {
    const { tables: found, reason } = explained(text);
    expect(reason).toBeUndefined();
    const all = tables.split(' ').filter(Boolean);
    expect(found === 'unknown' ? found : sorted(found)).toEqual(
      all.map((name) => name.replaceAll(/[()]/g, '')).toSorted(),
    );
    const changed = await changedBy(client, text);
    expect(changed && sorted(changed)).toEqual(all.filter((name) => !name.startsWith('(')).toSorted());
  });

  test.each(unknown)('%s: unknown', (text, reason) => {
    const found = explained(text);
    expect(found.tables).toBe('unknown');
    expect(found.reason).toMatch(reason);
  });

  test('names are looked for where the session looks for them', async () => {
    await using other = await session(database.url);
    await other.query('SET search_path = other, public');
    const ofOther = await readSession(other);
    const { tables } = footprintOf(describeStatement('DELETE FROM users'), catalog, ofOther, judgeFunctions());
    expect(tables === 'unknown' ? tables : sorted(tables)).toEqual(['other.users']);
    const calling = footprintOf(describeStatement(`SELECT lower('A')`), catalog, ofOther, judgeFunctions());
    expect(calling.reason).toMatch(/other.lower/);
  });

  test('event triggers are called when a materialised view is refreshed', async () => {
    await database.query(`
      CREATE FUNCTION defined() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
      CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION defined();
    `);
    const now = await readCatalog(client);
    const refresh = describeStatement('REFRESH MATERIALIZED VIEW totals');
    expect(footprintOf(refresh, now, asked, judgeFunctions()).reason).toBe('an event trigger calls public.defined()');
    const declared = judgeFunctions({ readOnlyFunctions: ['defined'] });
    expect(footprintOf(refresh, now, asked, declared).tables).not.toBe('unknown');
  });

  test('what the application says of its functions holds for triggers, defaults and calls', () => {
    const declared = { readOnlyFunctions: ['touches', 'public.unread', 'other.*'], writingFunctions: ['computes'] };
    const of = (text: string) => {
      const { tables, reason } = explained(text, declared);
      return tables === 'unknown' ? reason : sorted(tables);
    };
    expect(of('UPDATE touched SET at = now()')).toEqual(['touched']);
    expect(of('INSERT INTO checked VALUES (1)')).toEqual(['checked']);
    expect(of('SELECT public.unread(1)')).toEqual([]);
    expect(of('SELECT computes(1)')).toBe('it calls public.computes(), which writes');
  });
});
