import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HypotheticalIndex, openHypopg } from '../../src/ops/whatif/index.ts';
import { noHypopg, startHypopgServer } from '../support/debian-postgres.ts';
import type { ScratchServer } from '../support/postgres.ts';
import { conformsToWhatIf } from './conformance.ts';

const missing = noHypopg();
if (missing) process.stderr.write(`Not tested here: HypoPG. ${missing}\n`);

describe.skipIf(missing)('HypoPG', () => {
  let server: ScratchServer;
  beforeAll(async () => {
    server = await startHypopgServer();
  });
  afterAll(() => server?.stop('immediate'));

  const databaseNamed = async (name: string): Promise<pg.Client & AsyncDisposable> => {
    const admin = new pg.Client(server.url());
    await admin.connect();
    await admin.query(`CREATE DATABASE ${name}`);
    await admin.end();
    const client = new pg.Client(server.url(name));
    await client.connect();
    return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
  };

  describe('as a backend', () => {
    conformsToWhatIf({
      async source() {
        const client = await databaseNamed('conforming');
        await client.query('CREATE SCHEMA "ext ra"; CREATE EXTENSION hypopg SCHEMA "ext ra"');
        return { url: server.url('conforming'), [Symbol.asyncDispose]: () => client.end() };
      },
      open: (url) => openHypopg({ url }),
      hides: false,
      imaginesAll: false,
    });
  });

  test('is never installed by us', async () => {
    await using client = await databaseNamed('bare');
    await expect(openHypopg({ url: server.url('bare') })).rejects.toMatchObject({
      code: 'E_UNSUPPORTED',
      hint: expect.stringContaining('CREATE EXTENSION hypopg'),
    });
    const { rows } = await client.query(`SELECT extname FROM pg_extension WHERE extname = 'hypopg'`);
    expect(rows).toEqual([]);
  });

  test('never gives HypoPG a partial or expression index of a table that is not the only one', async () => {
    await using client = await databaseNamed('delicate');
    await client.query(`
      CREATE EXTENSION hypopg;
      CREATE TABLE t AS
      SELECT g AS id, g % 40 + 10 AS denom, g % 977 AS num, now() - g * interval '1 min' AS ts
        FROM generate_series(1, 20000) AS g;
      CREATE INDEX ON t (ts);
      CREATE TABLE s AS SELECT g AS id, g % 7 AS num FROM generate_series(1, 100) AS g;
      CREATE VIEW v AS SELECT id, ts, num::numeric / denom AS ratio FROM t WHERE denom >= 10 AND num > 0;
      CREATE VIEW over_v AS SELECT * FROM v;
      CREATE VIEW of_s AS SELECT * FROM s;
      CREATE MATERIALIZED VIEW m AS SELECT * FROM t;
      CREATE FUNCTION rows_of_t() RETURNS SETOF t LANGUAGE sql STABLE AS 'SELECT * FROM t WHERE num > 0';
      CREATE FUNCTION high() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT max(num) FROM t WHERE num > 0';
      CREATE VIEW through_function AS SELECT * FROM rows_of_t();
      CREATE TABLE parent (id int, num int) PARTITION BY RANGE (id);
      CREATE TABLE child PARTITION OF parent FOR VALUES FROM (0) TO (100000);
      INSERT INTO parent SELECT g, g % 977 FROM generate_series(1, 20000) AS g;
      CREATE TABLE guarded AS SELECT * FROM s;
      ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
      CREATE POLICY by_t ON guarded USING (EXISTS (SELECT FROM t WHERE t.id = guarded.id AND t.num > 0));
      CREATE TABLE ruled AS SELECT * FROM s;
      CREATE RULE also AS ON DELETE TO ruled DO ALSO DELETE FROM t WHERE t.id = old.id AND t.num > 0;
      ANALYZE;
    `);
    await using whatIf = await openHypopg({ url: server.url('delicate') });
    const index = (table: string, more: Partial<HypotheticalIndex>): HypotheticalIndex => ({
      id: `on_${table}`,
      schema: 'public',
      table,
      method: 'btree',
      keys: [{ expression: '"id"' }],
      include: [],
      ...more,
    });
    const partial = index('t', { where: 'num > 0' });
    const expression = index('t', { keys: [{ expression: '((num::numeric / denom))' }] });
    const ofChild = index('child', { where: 'num > 0' });

    for (const add of [[partial], [expression], [index('t', {}), partial]]) {
      for (const text of [
        'SELECT ratio FROM v ORDER BY ratio DESC LIMIT 20',
        'SELECT ratio FROM over_v ORDER BY ratio DESC LIMIT 20',
        'SELECT * FROM through_function WHERE id = 5',
        'SELECT * FROM s, t WHERE t.num > 0 AND t.id = 5',
        'SELECT * FROM t a JOIN t b USING (id) WHERE b.num > 0',
        'SELECT * FROM (SELECT * FROM t WHERE num > 0) x WHERE id = 5',
        'WITH x AS (SELECT * FROM t WHERE num > 0) SELECT * FROM x WHERE id = 5',
        'SELECT * FROM s WHERE id IN (SELECT id FROM t WHERE num > 0)',
        'SELECT * FROM rows_of_t() WHERE id = 5',
        'SELECT * FROM t WHERE num > 0 AND id < high()',
        'SELECT * FROM guarded WHERE id = 5',
        'DELETE FROM ruled WHERE id = 5',
        'SELECT id FROM s UNION ALL SELECT id FROM t WHERE num > 0',
      ]) {
        await expect(whatIf.plan({ text }, { add }), text).rejects.toMatchObject({ code: 'E_UNSUPPORTED' });
      }
    }
    await expect(whatIf.plan({ text: 'SELECT * FROM parent WHERE num > 0' }, { add: [ofChild] })).rejects.toMatchObject(
      {
        code: 'E_UNSUPPORTED',
      },
    );
    for (const [text, add] of [
      ['SELECT * FROM t WHERE num > 0 AND id = 5', partial],
      ['SELECT * FROM child WHERE num > 0 AND id = 5', ofChild],
      ['SELECT * FROM m WHERE num > 0 AND id = 5', index('m', { where: 'num > 0' })],
      ['UPDATE t SET num = 1 WHERE num > 0 AND id = 5', partial],
    ] as const) {
      expect((await whatIf.plan({ text }, { add: [add] })).uses, text).toEqual([add.id]);
    }
    // What does not reach the table has nothing to do with it.
    expect(
      (await whatIf.plan({ text: 'SELECT * FROM of_s x, of_s y WHERE x.id = y.id' }, { add: [partial] })).uses,
    ).toEqual([]);
    // Without predicate and expression all is well anywhere.
    expect((await whatIf.plan({ text: 'SELECT * FROM over_v WHERE id = 5' }, { add: [index('t', {})] })).uses).toEqual([
      'on_t',
    ]);
    const { rows } = await client.query('SELECT pg_postmaster_start_time() < now() AS alive');
    expect(rows).toEqual([{ alive: true }]);
  });

  test('waits for nobody, and neither runs nor keeps anything', async () => {
    await using client = await databaseNamed('careful');
    await client.query(`
      CREATE EXTENSION hypopg;
      CREATE TABLE t AS SELECT g AS id, g % 977 AS num FROM generate_series(1, 20000) AS g;
      CREATE TABLE log (at timestamptz);
      CREATE FUNCTION reads_t() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT max(num) FROM t WHERE id = 5';
      CREATE FUNCTION writes() RETURNS int LANGUAGE sql IMMUTABLE AS 'INSERT INTO log VALUES (now()) RETURNING 1';
      ANALYZE;
    `);
    await using whatIf = await openHypopg({ url: server.url('careful') });
    const index: HypotheticalIndex = {
      id: 'wish',
      schema: 'public',
      table: 't',
      method: 'btree',
      keys: [{ expression: 'id' }],
      include: [],
    };
    const plan = (text: string, ...add: HypotheticalIndex[]) => whatIf.plan({ text }, { add });

    // What planning evaluates is planned under hypothetical indexes and run, which HypoPG does not foresee.
    await expect(plan('SELECT * FROM t WHERE num = reads_t()', index)).rejects.toMatchObject({ code: 'E_UNSUPPORTED' });
    expect((await plan('SELECT * FROM t WHERE num = reads_t()')).cost).toBeGreaterThan(0);
    await expect(plan('SELECT * FROM t WHERE num = writes()')).rejects.toMatchObject({ code: 'E_QUERY' });

    await client.query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
    await expect(plan('SELECT * FROM t WHERE id = 5')).rejects.toMatchObject({ sqlState: '55P03' });
    await expect(plan('SELECT 1', index)).rejects.toMatchObject({ sqlState: '55P03' });
    await client.query('ROLLBACK');
    expect((await plan('SELECT * FROM t WHERE id = 5', index)).uses).toEqual(['wish']);

    // Nothing is held between two plans.
    const { rows: locks } = await client.query(`
      SELECT l.relation::regclass
        FROM pg_locks l
        JOIN pg_stat_activity a USING (pid)
       WHERE a.application_name = 'pitcrew' AND a.datname = current_database()
    `);
    expect(locks).toEqual([]);
    expect((await client.query('SELECT FROM log')).rows).toEqual([]);

    await client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                         WHERE application_name = 'pitcrew' AND datname = current_database()`);
    await expect(plan('SELECT 1')).rejects.toMatchObject({ code: 'E_DATABASE_UNREACHABLE' });
  });

  test('says why a role may not plan, and leaves no index behind in the session', async () => {
    await using client = await databaseNamed('plain');
    await client.query(`
      CREATE EXTENSION hypopg;
      CREATE TABLE open AS SELECT g AS id FROM generate_series(1, 20000) AS g;
      CREATE TABLE closed AS SELECT g AS id FROM generate_series(1, 20000) AS g;
      ANALYZE;
      CREATE ROLE reader LOGIN PASSWORD 'reader';
      GRANT SELECT ON open TO reader;
    `);
    const url = new URL(server.url('plain'));
    url.username = 'reader';
    url.password = 'reader';
    await using whatIf = await openHypopg({ url: url.href });
    const open: HypotheticalIndex = {
      id: 'wish',
      schema: 'public',
      table: 'open',
      method: 'btree',
      keys: [{ expression: 'id' }],
      include: [],
    };
    await expect(whatIf.plan({ text: 'SELECT * FROM closed WHERE id = 5' }, { add: [open] })).rejects.toMatchObject({
      code: 'E_QUERY',
      sqlState: '42501',
    });
    expect((await whatIf.plan({ text: 'SELECT * FROM open WHERE id = 5' })).uses).toEqual([]);
    expect((await whatIf.plan({ text: 'SELECT * FROM open WHERE id = 5' })).usesExisting).toEqual([]);
    expect((await whatIf.plan({ text: 'SELECT * FROM open WHERE id = 5' }, { add: [open] })).uses).toEqual(['wish']);
  });
});
