import { describe, expect, test } from 'vitest';
import { plainRole, session, watched, type Watched } from '../../../../test/support/catalog.ts';
import { scratchServer, sharedMajors, testDatabase } from '../../../../test/support/postgres.ts';
import {
  isOwnStatement,
  readStatements,
  readStatementsInfo,
  readStatementTexts,
  resetStatements,
  type StatementScope,
} from '../index.ts';

async function rowsOf(target: Watched, database: string, known: readonly string[] = []) {
  const { rows } = await readStatements(target.connection, target.profile, { known });
  return rows.filter((row) => row.database === database);
}

async function withTexts(target: Watched, database: string) {
  const rows = await rowsOf(target, database);
  const texts = await readStatementTexts(
    target.connection,
    target.profile,
    rows.map((row) => row.queryId),
  );
  const textOf = new Map(texts.rows.filter((row) => row.database === database).map((row) => [row.queryId, row.text]));
  return rows.map((row) => ({ ...row, text: textOf.get(row.queryId) ?? null }));
}

describe.each(sharedMajors())('PostgreSQL %i', (major) => {
  test('calls, rows and times are those of pg_stat_statements', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE EXTENSION pg_stat_statements`);
    await database.query(`CREATE TABLE t AS SELECT generate_series(1, 100) AS id`);
    for (let i = 1; i <= 7; i++) await database.query(`SELECT id FROM t WHERE id <= ${i}`);
    await using target = await watched(database.url);
    const found = (await withTexts(target, database.name)).find((row) => row.text?.startsWith('SELECT id FROM t'));
    const [truth] = await database.query(
      `SELECT * FROM pg_stat_statements WHERE query LIKE 'SELECT id FROM t%' AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    expect(found).toMatchObject({
      text: 'SELECT id FROM t WHERE id <= $1',
      user: target.profile.user,
      toplevel: true,
      calls: 7,
      rows: 28,
      totalExecMs: truth?.['total_exec_time'],
      stddevExecMs: truth?.['stddev_exec_time'],
      sharedHit: Number(truth?.['shared_blks_hit']),
      queryId: truth?.['queryid'],
      plans: 0,
      walBytes: 0,
      jitMs: 0,
      tempWritten: 0,
    });
    expect(found?.statsSince instanceof Date).toBe(major >= 17);
    expect(typeof found?.tempBlockReadMs).toBe('number');
  });

  test('with what is known only what changed comes back', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE EXTENSION pg_stat_statements`);
    await database.query(`SELECT 1 AS first, 'one'`);
    await database.query(`SELECT 1, 2, 3`);
    await using target = await watched(database.url);
    const own = (rows: { user: string; queryId: string; calls: number }[]) => rows.map((row) => row.queryId);
    const before = await withTexts(target, database.name);
    const known = before.map((row) => row.change);
    await database.query(`SELECT 4, 5, 6`);
    const changed = await withTexts(target, database.name).then((rows) =>
      rows.find((row) => row.text === 'SELECT $1, $2, $3'),
    );
    const again = await rowsOf(target, database.name, known);
    expect(own(again)).toContain(changed?.queryId);
    expect(again.find((row) => row.queryId === changed?.queryId)?.calls).toBe(2);
    const untouched = before.find((row) => row.text === `SELECT $1 AS first, $2`);
    expect(untouched?.calls).toBe(1);
    expect(own(again)).not.toContain(untouched?.queryId);
  });

  test('a scope leaves out what other databases ran, texts too', async () => {
    await using one = await testDatabase(major);
    await using two = await testDatabase(major);
    for (const database of [one, two]) {
      await database.query(`CREATE EXTENSION pg_stat_statements`);
      await database.query(`SELECT 1 AS "in which"`);
    }
    await using target = await watched(one.url);
    const { connection, profile } = target;
    const ids = (await withTexts(target, two.name)).filter(({ text }) => text?.includes('in which'));
    expect(ids).toHaveLength(1);
    const read = async (scope: StatementScope) => {
      const { rows } = await readStatements(connection, profile, { scope });
      const texts = await readStatementTexts(connection, profile, [ids[0]?.queryId ?? ''], scope);
      return { rows: new Set(rows.map((row) => row.database)), texts: new Set(texts.rows.map((row) => row.database)) };
    };
    const own = await read({ databases: 'own' });
    expect(own).toEqual({ rows: new Set([one.name]), texts: new Set([one.name]) });
    const rest = await read({ except: [two.name, 'odd "name\\\\'] });
    expect([rest.rows.has(one.name), rest.rows.has(two.name)]).toEqual([true, false]);
    expect([rest.texts.has(one.name), rest.texts.has(two.name)]).toEqual([true, false]);
    const all = await read({ except: [] });
    expect([all.rows.has(one.name), all.rows.has(two.name)]).toEqual([true, true]);
  });

  test('our own statements are recognised by their text', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE EXTENSION pg_stat_statements`);
    await using target = await watched(database.url);
    await rowsOf(target, database.name);
    const texts = (await withTexts(target, database.name)).map((row) => row.text ?? '');
    expect(texts.filter((text) => text.includes('pg_stat_statements(')).every(isOwnStatement)).toBe(true);
    expect(texts.filter(isOwnStatement).length).toBeGreaterThanOrEqual(4);
    expect(isOwnStatement(`SELECT '/* pitcrew */'`)).toBe(false);
  });

  test('a role without rights sees its own statements, and is told what it misses', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE EXTENSION pg_stat_statements`);
    await database.query(`SELECT 'hidden', 1, 2`);
    await using role = await plainRole(database);
    await using target = await watched(role.url);
    await target.connection.run(`SELECT 'mine' AS "mine"`);
    const { rows, skipped } = await readStatements(target.connection, target.profile);
    const here = rows.filter((row) => row.database === database.name);
    expect(new Set(here.map((row) => row.user))).toEqual(new Set([role.name]));
    expect(skipped).toEqual([
      {
        subject: 'pg_stat_statements',
        reason: expect.stringContaining('hidden'),
        fix: `GRANT pg_read_all_stats TO "${role.name}"`,
      },
    ]);
    await expect(resetStatements(target.connection, target.profile)).rejects.toMatchObject({
      code: 'E_QUERY',
      sqlState: '42501',
    });
    await database.query(`GRANT pg_monitor TO ${role.name}`);
    await using monitor = await watched(role.url);
    const all = await readStatements(monitor.connection, monitor.profile);
    expect(all.skipped).toEqual([]);
    expect(new Set(all.rows.filter((row) => row.database === database.name).map((row) => row.user)).size).toBe(2);
  });

  test('the extension may be missing, elsewhere or out of reach; the fix is named', async () => {
    await using database = await testDatabase(major);
    const profile = async (url = database.url) => {
      await using target = await watched(url);
      const { rows, skipped } = await readStatements(target.connection, target.profile);
      return {
        usable: target.profile.statements.usable,
        schema: target.profile.statements.schema,
        rows: rows.length,
        skipped,
      };
    };
    expect(await profile()).toMatchObject({
      usable: false,
      rows: 0,
      skipped: [
        { reason: 'the extension is not installed in this database', fix: 'CREATE EXTENSION pg_stat_statements' },
      ],
    });
    await database.query(`CREATE SCHEMA "Odd ""name"; CREATE EXTENSION pg_stat_statements SCHEMA "Odd ""name"`);
    const elsewhere = await profile();
    expect(elsewhere).toMatchObject({ usable: true, schema: 'Odd "name', skipped: [] });
    expect(elsewhere.rows).toBeGreaterThan(0);
    await using role = await plainRole(database);
    const refused = await profile(role.url);
    expect(refused).toMatchObject({
      usable: false,
      skipped: [{ fix: expect.stringContaining(`GRANT USAGE ON SCHEMA "Odd ""name"`) }],
    });
    await database.query(refused.skipped[0]?.fix ?? '');
    expect(await profile(role.url)).toMatchObject({ usable: true });
  });

  test.each(['1.8', '1.9', '1.10'])('extension version %s is read', async (version) => {
    await using database = await testDatabase(major);
    await database.query(`CREATE EXTENSION pg_stat_statements VERSION '${version}'`);
    await database.query(`SELECT 1, 2, 3, 4`);
    await using target = await watched(database.url);
    const newest = major < 17 ? '1.10' : '';
    expect(target.profile.statements).toMatchObject({
      usable: true,
      version,
      update: version === newest ? null : 'ALTER EXTENSION pg_stat_statements UPDATE',
    });
    const found = (await withTexts(target, database.name)).find((row) => row.text === 'SELECT $1, $2, $3, $4');
    expect(found).toMatchObject({ calls: 1, toplevel: true, blockReadMs: 0, jitMs: 0, statsSince: null });
    expect(found?.tempBlockReadMs).toBe(version === '1.10' ? 0 : null);
    const info = await readStatementsInfo(target.connection, target.profile);
    if (version === '1.8') expect(info.skipped[0]).toMatchObject({ fix: 'ALTER EXTENSION pg_stat_statements UPDATE' });
    else expect(info.rows).toEqual([{ dealloc: expect.any(Number), statsReset: expect.any(Date) }]);
  });

  test('an extension version from before total_exec_time is not used', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE EXTENSION pg_stat_statements VERSION '1.7'`);
    await using target = await watched(database.url);
    expect(target.profile.statements).toMatchObject({
      usable: false,
      skipped: [{ reason: expect.stringContaining('found 1.7'), fix: 'ALTER EXTENSION pg_stat_statements UPDATE' }],
    });
  });
});

test('a server that has not loaded it is told how', async () => {
  await using server = await scratchServer(18, { shared_preload_libraries: 'auto_explain' });
  await using target = await watched(server.url());
  expect(target.profile.statements).toMatchObject({ usable: false, version: null, max: null });
  expect(target.profile.statements.skipped[0]?.fix).toBe(
    'ALTER SYSTEM SET shared_preload_libraries = auto_explain, pg_stat_statements; then restart the server, then CREATE EXTENSION pg_stat_statements',
  );
  await target.connection.run(`SELECT 1`);
  await expect(resetStatements(target.connection, target.profile)).rejects.toMatchObject({ code: 'E_UNSUPPORTED' });
});

test('more statements than work_mem holds are read without a temporary file, and reset when asked', async () => {
  await using server = await scratchServer(18, { 'pg_stat_statements.max': '10000', work_mem: '64kB' });
  await using target = await watched(server.url());
  await using admin = await session(server.url());
  await admin.query(`CREATE EXTENSION pg_stat_statements`);
  await admin.query(
    `DO $$ BEGIN FOR i IN 1..2000 LOOP EXECUTE 'SELECT 1' || repeat(', 1', i % 400) || ' FROM pg_class WHERE' || repeat(' NOT', i / 400) || ' true LIMIT 0'; END LOOP; END $$`,
  );
  await admin.query(`ALTER SYSTEM SET pg_stat_statements.track = 'all'`);
  await admin.query(`SELECT pg_reload_conf()`);
  await using again = await watched(server.url());
  await readStatements(again.connection, again.profile);
  const [own] = await withTexts(again, 'postgres').then((rows) =>
    rows.filter((row) => row.text?.includes('AS "change"')),
  );
  expect(own).toMatchObject({ tempWritten: 0, tempRead: 0 });
  await resetStatements(again.connection, again.profile);
  expect((await rowsOf(again, 'postgres')).every((row) => row.calls === 1)).toBe(true);
  expect(target.connection.isOpen).toBe(true);
});
