import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { expect, test } from 'vitest';
import { createIndexStatement, removeLeftTwins, removeTwin } from '../../src/ops/whatif/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { scratchReplica, scratchServer, testDatabase, testedMajors } from '../support/postgres.ts';
import { hypothetical, twinOf } from '../support/whatif.ts';

const twinChild = fileURLToPath(new URL('../support/twin-child.ts', import.meta.url));
const majors = testedMajors(18, 15);

test.each(majors)('no lock of others is waited for, and none taken but ACCESS SHARE: PostgreSQL %i', async (major) => {
  await using database = await testDatabase(major);
  await database.query(`
    CREATE TABLE free (id int PRIMARY KEY, n int DEFAULT 5, CHECK (n > 0));
    CREATE TABLE busy (id int PRIMARY KEY);
    CREATE VIEW on_busy AS SELECT * FROM busy;
    CREATE VIEW on_free AS SELECT * FROM free;
    CREATE FUNCTION parsed() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM busy; END;
    INSERT INTO free SELECT i, i FROM generate_series(1, 1000) i;
    ANALYZE free;
  `);
  const holder = new pg.Client(database.url);
  await holder.connect();
  try {
    // What conflicts with everything but ACCESS SHARE on one table, and with everything on the other.
    await holder.query('BEGIN; LOCK TABLE free IN EXCLUSIVE MODE; LOCK TABLE busy IN ACCESS EXCLUSIVE MODE');
    await using made = await twinOf(database.url);
    const missing = made.twin.gaps.map(({ subject }) => subject).filter((subject) => !subject.startsWith('planner'));
    expect(missing).toContain('table public.busy');
    expect(missing.filter((subject) => /free/.test(subject))).toEqual([]);
    const { cost } = await made.twin.plan({ text: 'SELECT * FROM on_free WHERE id = 7' });
    const [row] = await database.query<{ 'QUERY PLAN': [{ Plan: { 'Total Cost': number } }] }>(
      'EXPLAIN (FORMAT JSON) SELECT * FROM on_free WHERE id = 7',
    );
    expect(cost).toBe(row?.['QUERY PLAN'][0].Plan['Total Cost']);
    await expect(made.twin.plan({ text: 'SELECT * FROM busy' })).rejects.toMatchObject({ sqlState: '42P01' });
  } finally {
    await holder.end();
  }
});

test.each(majors)('a role without rights gets a twin that says what it does not know: PostgreSQL %i', async (major) => {
  await using database = await testDatabase(major);
  const role = `poor_${database.name}`;
  await database.query(`
    CREATE ROLE ${role} LOGIN PASSWORD 'poor';
    CREATE SCHEMA closed;
    CREATE TABLE closed.secrets (id int PRIMARY KEY, word text);
    CREATE TABLE mine (id int);
    INSERT INTO closed.secrets SELECT i, 'word ' || i % 7 FROM generate_series(1, 5000) i;
    INSERT INTO mine SELECT generate_series(1, 100);
    ANALYZE;
    GRANT SELECT ON mine TO ${role};
  `);
  try {
    const url = new URL(database.url);
    url.username = role;
    url.password = 'poor';
    await using made = await twinOf(url.href);
    expect(made.twin.gaps).toContainEqual({
      subject: 'statistics of table closed.secrets',
      reason: expect.stringContaining('may not read'),
      fix: `GRANT pg_read_all_data TO "${role}"`,
    });
    const { cost } = await made.twin.plan({ text: 'SELECT * FROM closed.secrets' });
    const [row] = await database.query<{ 'QUERY PLAN': [{ Plan: { 'Total Cost': number } }] }>(
      'EXPLAIN (FORMAT JSON) SELECT * FROM closed.secrets',
    );
    // Pages and rows are no secret.
    expect(cost).toBe(row?.['QUERY PLAN'][0].Plan['Total Cost']);
  } finally {
    await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});

test('a standby can be the source', async () => {
  await using primary = await scratchServer();
  const client = new pg.Client(primary.url());
  await client.connect();
  await client.query('CREATE TABLE kept AS SELECT i AS id FROM generate_series(1, 5000) i');
  await client.query('ANALYZE');
  await client.end();
  await using replica = await scratchReplica(primary, 18);
  await using made = await twinOf(replica.url());
  const index = hypothetical('kept_id', 'kept', ['id']);
  const { uses } = await made.twin.plan({ text: 'SELECT * FROM kept WHERE id = 7' }, { add: [index] });
  expect(uses).toEqual(['kept_id']);
});

test("it is nobody else's to read, and gone when it is closed, unless it was to be kept", async () => {
  await using database = await testDatabase(18);
  await using folder = temporaryFolder();
  const dataDir = join(folder.path, 'kept');
  {
    await using made = await twinOf(database.url);
    expect(statSync(made.dataDir).mode & 0o777).toBe(0o700);
    await made.twin.close();
    expect(readdirSync(dirname(made.dataDir))).toEqual([]);
    await expect(made.twin.plan({ text: 'SELECT 1' })).rejects.toMatchObject({ code: 'E_EMBEDDED' });
  }
  for (let round = 0; round < 2; round += 1) {
    await using kept = await twinOf(database.url, { dataDir, keep: true });
    expect((await kept.twin.plan({ text: 'SELECT 1' })).cost).toBe(0.01);
  }
  expect(existsSync(dataDir)).toBe(true);
  await removeTwin(dataDir);
  expect(readdirSync(folder.path)).toEqual([]);
});

test('what a killed process left is taken over by the next', async () => {
  await using database = await testDatabase(18);
  await database.query('CREATE TABLE first (id int)');
  await using folder = temporaryFolder();
  const dataDir = join(folder.path, 'twin');
  const child = spawn(process.execPath, [twinChild, database.url, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  await database.query('DROP TABLE first; CREATE TABLE second (id int)');
  await using made = await twinOf(database.url, { dataDir });
  await expect(made.twin.plan({ text: 'SELECT * FROM first' })).rejects.toMatchObject({ sqlState: '42P01' });
  expect((await made.twin.plan({ text: 'SELECT * FROM second' })).cost).toBeGreaterThan(0);
  await made.twin.close();
  expect(readdirSync(folder.path)).toEqual([]);
});

test('what killed processes left goes, and twins in use stay', async () => {
  await using database = await testDatabase(18);
  await using folder = temporaryFolder();
  const child = spawn(process.execPath, [twinChild, database.url, join(folder.path, 'left')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  mkdirSync(join(folder.path, 'left.new-half-made'));
  await using made = await twinOf(database.url, { dataDir: join(folder.path, 'used') });
  await removeLeftTwins(folder.path);
  expect(readdirSync(folder.path).filter((name) => name.startsWith('left'))).toEqual([]);
  expect((await made.twin.plan({ text: 'SELECT 1' })).cost).toBe(0.01);
  await removeLeftTwins(join(folder.path, 'nothing'));
});

test('code of the watched database runs on the twin without rights', async () => {
  await using database = await testDatabase(18);
  await using folder = temporaryFolder();
  const proof = join(folder.path, 'proof');
  await database.query(`
    CREATE TABLE t (id int, word text);
    CREATE FUNCTION evil(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
      BEGIN EXECUTE 'COPY (SELECT 1) TO PROGRAM ''touch ${proof}'''; RETURN n; EXCEPTION WHEN OTHERS THEN
        RAISE EXCEPTION 'I am %: %', session_user, SQLERRM; END $$;
  `);
  await using made = await twinOf(database.url);
  await expect(made.twin.plan({ text: 'SELECT * FROM t WHERE id = evil(1)' })).rejects.toThrow(/I am pitcrew_twin/);
  const index = hypothetical('by_evil', 't', ['(id + evil(1))']);
  await expect(made.twin.plan({ text: 'SELECT 1' }, { add: [index] })).rejects.toThrow(/I am pitcrew_twin/);
  expect(existsSync(proof)).toBe(false);
});

test('what cannot be planned is refused', async () => {
  await using database = await testDatabase(18);
  await database.query('CREATE TABLE t (id int, word text); CREATE VIEW v AS SELECT * FROM t');
  await using made = await twinOf(database.url);
  const { twin } = made;
  for (const [text, code] of [
    ['DROP TABLE t', 'E_UNSUPPORTED'],
    ['SELECT 1; DROP TABLE t', 'E_QUERY'],
    ['', 'E_UNSUPPORTED'],
    ['SELECT nonsense FROM t', 'E_QUERY'],
  ]) {
    await expect(twin.plan({ text: text ?? '' }), text).rejects.toMatchObject({ code });
  }
  const none = { text: 'SELECT * FROM t' };
  await expect(twin.plan(none, { hide: [{ schema: 'public', name: 'none' }] })).rejects.toMatchObject({
    code: 'E_NOT_FOUND',
  });
  for (const [index, code] of [
    [hypothetical('a', 'none', ['id']), 'E_NOT_FOUND'],
    [hypothetical('b', 'v', ['id']), 'E_UNSUPPORTED'],
    [hypothetical('c', 't', ['nonsense']), 'E_QUERY'],
    [hypothetical('d', 't', ['word'], { method: 'gist' }), 'E_QUERY'],
    [hypothetical('e', 't', ['(random())']), 'E_QUERY'],
  ] as const) {
    await expect(twin.size(index), createIndexStatement(index, { name: index.id })).rejects.toMatchObject({ code });
  }
  expect((await twin.plan(none)).uses).toEqual([]);
});
