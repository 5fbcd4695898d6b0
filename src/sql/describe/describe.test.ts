import { describe as suite, expect, it } from 'vitest';
import type { TableName } from '../description.ts';
import { createDescriber, describe, loadParser, parserLoaded } from './index.ts';

const named = (names: readonly TableName[]): string[] =>
  names.map(({ schema, name }) => (schema === undefined ? name : `${schema}.${name}`));

suite('before the parser is loaded', () => {
  it('gives the most careful answer, and does not keep it', async () => {
    expect(parserLoaded()).toBe(false);
    expect(describe(`SELECT 'secret' FROM t`)).toEqual({
      kind: 'unknown',
      readOnly: false,
      session: true,
      single: false,
      read: [],
      written: [],
      effects: undefined,
      fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
      normalized: 'SELECT $1 FROM t',
      reason: 'the parser is not loaded, or broke on it',
    });
    await Promise.all([loadParser(), loadParser()]);
    expect(parserLoaded()).toBe(true);
    expect(describe(`SELECT 'secret' FROM t`)).toMatchObject({ kind: 'select', readOnly: true });
  });
});

suite('kinds', () => {
  it.each([
    ['SELECT 1', 'select'],
    ['(TABLE t)', 'select'],
    ['VALUES (1)', 'select'],
    ['WITH x AS (INSERT INTO t VALUES (1) RETURNING a) SELECT * FROM x', 'select'],
    ['WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x', 'insert'],
    ['UPDATE t SET a = 1', 'update'],
    ['DELETE FROM t', 'delete'],
    ['MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE', 'merge'],
    ['BEGIN', 'transaction'],
    ['SAVEPOINT a', 'transaction'],
    ['LOCK TABLE t', 'transaction'],
    ['SET CONSTRAINTS ALL DEFERRED', 'transaction'],
    ['SET a.b = 1', 'session'],
    ['SHOW a.b', 'session'],
    ['LISTEN a', 'session'],
    ['EXECUTE a', 'session'],
    ['FETCH a', 'session'],
    ['COPY t TO STDOUT', 'copy'],
    ['EXPLAIN UPDATE t SET a = 1', 'explain'],
    ['CALL p()', 'call'],
    ['DO $$ BEGIN END $$', 'call'],
    ['CREATE TABLE t ()', 'definition'],
    ['SELECT * INTO u FROM t', 'definition'],
    ['TRUNCATE t', 'definition'],
    ['GRANT SELECT ON t TO r', 'definition'],
    ['ALTER SYSTEM SET a = 1', 'definition'],
    ['VACUUM t', 'maintenance'],
    ['REFRESH MATERIALIZED VIEW m', 'maintenance'],
    ['CHECKPOINT', 'maintenance'],
    ['SELECT 1; SELECT 2', 'several'],
    [' ; -- nothing', 'empty'],
    ['', 'empty'],
    ['SELEC 1', 'unknown'],
    ['SELECT 1\0; DELETE FROM t', 'unknown'],
    ['SELECT "é\ud800" ; DELETE FROM t', 'several'],
  ])('%s is of the kind %s', (text, kind) => {
    expect(describe(text).kind).toBe(kind);
  });
});

suite('reading only', () => {
  it.each([
    'SELECT',
    'SELECT a, count(*) FILTER (WHERE b), max(c) OVER w FROM t WINDOW w AS (PARTITION BY d) ORDER BY 1',
    'SELECT pg_catalog.lower(a), now(), random(), gen_random_uuid(), clock_timestamp(), pg_sleep(0) FROM t',
    'WITH RECURSIVE x AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM x WHERE n < 9) TABLE x',
    'SELECT * FROM t TABLESAMPLE SYSTEM (1), LATERAL (SELECT t.a) y, generate_series(1, 3), ROWS FROM (unnest($1))',
    `SELECT $1::"OrderStatus", a::text, CAST(b AS app.money), date '2020-01-01' AT TIME ZONE 'UTC'`,
    `SELECT data -> 'a' ->> 'b', data @> $1, data ? 'c', a OPERATOR(pg_catalog.+) 1, a LIKE 'x%' ESCAPE '!' FROM t`,
    `SELECT json_object('a': 1), xmlelement(name a, b), extract(year FROM c), overlay(a placing 'b' from 1) FROM t`,
    `SELECT * FROM json_table($1, '$[*]' COLUMNS (a int PATH '$.a'))`,
    'SELECT GROUPING(a), b FROM t GROUP BY ROLLUP (a, b) HAVING count(*) > 1 LIMIT 1 OFFSET 2',
    'SELECT 1 WHERE a IN (SELECT b FROM u) AND EXISTS (TABLE v) UNION ALL VALUES (1)',
    'SHOW search_path',
    'EXPLAIN DELETE FROM t',
    `EXPLAIN SELECT nextval('s')`,
    'EXPLAIN (ANALYZE, BUFFERS) SELECT a FROM t',
    'SELECT pg_relation_size($1), pg_is_in_recovery()',
  ])('%s', (text) => {
    expect(describe(text)).toMatchObject({ readOnly: true, single: true });
  });

  it.each([
    ['SELECT nextval($1)', 'it calls nextval(), which is not known to change nothing'],
    ['SELECT app.f()', 'it calls app.f(), which is not known to change nothing'],
    ['SELECT similarity(a, b) FROM t', 'it calls similarity(), which is not known to change nothing'],
    ['SELECT "Lower"(a) FROM t', 'it calls Lower(), which is not known to change nothing'],
    ['SELECT app.lower(a) FROM t', 'it calls app.lower(), which is not known to change nothing'],
    ['SELECT pg_current_xact_id()', 'it calls pg_current_xact_id(), which is not known to change nothing'],
    ['EXPLAIN SELECT app.f(1)', 'it calls app.f(), which is not known to change nothing'],
    ['SELECT a <=> $1 FROM t', 'it uses the operator <=>, which is not built in'],
    ['SELECT a OPERATOR(app.=) $1 FROM t', 'it uses the operator app.=, which is not built in'],
    ['SELECT a FROM t ORDER BY a USING ~~~', 'it uses the operator ~~~, which is not built in'],
    ['SELECT a FROM t FOR NO KEY UPDATE', 'it locks rows (FOR UPDATE, FOR SHARE)'],
    ['SELECT * FROM (SELECT a FROM t FOR SHARE) x', 'it locks rows (FOR UPDATE, FOR SHARE)'],
    ['WITH x AS (DELETE FROM t RETURNING a) SELECT * FROM x', 'a part of it deletes'],
    ['EXPLAIN ANALYZE INSERT INTO t VALUES (1)', 'it runs something other than a query'],
    ['EXPLAIN (ANALYZE off) INSERT INTO t VALUES (1)', 'it runs something other than a query'],
    ['SELECT * FROM t TABLESAMPLE app.every (1)', 'it samples a table by a method that is not known'],
    ['EXPLAIN EXECUTE p', 'it explains a prepared statement'],
    ['SELECT * FROM pg_temp.t', 'it names a temporary table'],
    ['SELECT NULL::pg_temp.t', 'it names a temporary table'],
  ])('not %s', (text, reason) => {
    expect(describe(text)).toMatchObject({ readOnly: false, reason });
  });

  it('never finds a statement that says itself that it writes, or several, or none', () => {
    const texts = ['CALL p()', 'DO $$BEGIN END$$', 'COPY t TO STDOUT', 'SELECT 1; SELECT 2', '', 'SET a = 1', 'BEGIN'];
    expect(texts.filter((text) => describe(text).readOnly)).toEqual([]);
  });

  it('believes what an application says of its functions and operators', () => {
    const declared = createDescriber({
      readOnlyFunctions: ['app.visible_to', 'st_*'],
      writingFunctions: ['app.audit', 'log'],
      readOnlyOperators: ['<=>'],
    });
    expect(declared('SELECT app.visible_to($1), st_area(a) FROM t ORDER BY b <=> $2')).toMatchObject({
      readOnly: true,
    });
    expect(declared('SELECT visible_to($1)')).toMatchObject({ readOnly: false, session: true });
    expect(declared('SELECT app.audit($1)')).toMatchObject({ readOnly: false, session: false });
    expect(declared('SELECT log($1)')).toMatchObject({ readOnly: false, session: false });
    expect(describe('SELECT log($1)')).toMatchObject({ readOnly: true });
  });
});

suite('bound to the session', () => {
  it.each([
    'SET a.b = 1',
    'SET LOCAL a.b = 1',
    'RESET ALL',
    'DISCARD TEMP',
    'SHOW a.b',
    'LISTEN a',
    'UNLISTEN *',
    'PREPARE a AS SELECT 1',
    'EXECUTE a',
    'EXPLAIN EXECUTE a',
    'DEALLOCATE a',
    'DECLARE a CURSOR FOR SELECT 1',
    'MOVE a',
    'CLOSE a',
    'BEGIN',
    'COMMIT',
    'ROLLBACK TO SAVEPOINT a',
    `PREPARE TRANSACTION 'a'`,
    'LOCK TABLE t',
    `LOAD 'a'`,
    'CREATE TEMP TABLE t ()',
    'CREATE INDEX CONCURRENTLY ON t (a)',
    'VACUUM',
    'SELECT a INTO TEMP u FROM t',
    'INSERT INTO pg_temp.t VALUES (1)',
    'SELECT * FROM pg_temp_3.t',
    'SELECT pg_advisory_lock(1)',
    `SELECT set_config('a.b', '1', false)`,
    `SELECT currval('s'), lastval()`,
    'SELECT setseed(0)',
    `SELECT current_setting('a.b')`,
    `UPDATE pg_settings SET setting = 'x' WHERE name = 'search_path'`,
    'WITH x AS (UPDATE pg_catalog.pg_settings SET setting = 1 RETURNING 1) TABLE x',
    'SELECT setting FROM pg_settings',
    'SELECT * FROM pg_cursors, pg_prepared_statements',
    'UPDATE t SET a = app.f()',
    'CALL p()',
    'SELECT 1; SELECT 2',
    'SELEC 1',
  ])('%s', (text) => {
    expect(describe(text).session).toBe(true);
  });

  it.each([
    'SELECT a FROM t FOR UPDATE',
    'INSERT INTO t (a, b) VALUES ($1, now()) ON CONFLICT (a) DO UPDATE SET b = excluded.b RETURNING *',
    `SELECT nextval('s')`,
    'SELECT pg_advisory_xact_lock(1)',
    'NOTIFY a',
    `SELECT pg_notify('a', 'b')`,
    'EXPLAIN SELECT 1',
    'SELECT a <=> $1 FROM t',
    'COPY t FROM STDIN',
    'UPDATE app.pg_settings SET setting = 1',
    'WITH pg_settings AS (SELECT 1) TABLE pg_settings',
  ])('not %s', (text) => {
    expect(describe(text).session).toBe(false);
  });

  it('says why, where the statement does not show it', () => {
    expect(describe('INSERT INTO t VALUES (app.f())').reason).toBe(
      'it calls app.f(), which may change or need what its session holds',
    );
    expect(describe(`SELECT current_setting('a')`).reason).toBe(
      'it calls current_setting(), which depends on its session',
    );
    expect(describe('SELECT 1').reason).toBeUndefined();
    expect(describe('SET a = 1').reason).toBeUndefined();
  });
});

suite('single', () => {
  it.each([
    ['COPY t FROM STDIN', false],
    ['COPY (SELECT 1) TO STDOUT', false],
    [`COPY t FROM '/tmp/a'`, true],
    [`COPY t TO PROGRAM 'cat'`, true],
    ['SELECT 1;', true],
    ['SELECT 1; SELECT 2', false],
    ['', false],
    ['INSERT INTO t VALUES (1)', true],
  ])('%s: %s', (text, single) => {
    expect(describe(text).single).toBe(single);
  });
});

suite('tables', () => {
  it.each([
    ['SELECT * FROM a, s.b JOIN ONLY c ON true LEFT JOIN LATERAL (SELECT 1 FROM d) x ON true', 'a s.b c d', ''],
    [
      'SELECT (SELECT 1 FROM a), ARRAY(SELECT 1 FROM b) FROM t WHERE x IN (TABLE c) ORDER BY EXISTS (TABLE d)',
      'a b t c d',
      '',
    ],
    ['SELECT a.x, f(b.y) FROM unnest($1) a, generate_series(1, 2) b', '', ''],
    ['TABLE a UNION SELECT 1 FROM b EXCEPT (WITH c AS (TABLE d) TABLE c)', 'a b d', ''],
    ['WITH x AS (TABLE a), y AS (TABLE x) SELECT 1 FROM y, x, public.x', 'a public.x', ''],
    ['WITH x AS (TABLE y), y AS (TABLE a) SELECT 1 FROM x, y', 'y a', ''],
    ['WITH x AS (TABLE x) TABLE x', 'x', ''],
    ['WITH RECURSIVE x AS (TABLE a UNION TABLE x) TABLE x', 'a', ''],
    ['WITH x AS (TABLE a) SELECT 1 FROM (WITH y AS (TABLE x) SELECT 1 FROM y, x) z, y', 'a y', ''],
    ['WITH x AS (TABLE a) INSERT INTO x SELECT * FROM x', 'a', 'x'],
    ['WITH x AS (UPDATE a SET b = 1 RETURNING *), y AS (DELETE FROM c USING d) SELECT 1 FROM x', 'd', 'a c'],
    [
      'INSERT INTO s.a SELECT 1 FROM b ON CONFLICT (x) DO UPDATE SET y = (SELECT 1 FROM c) RETURNING (TABLE d)',
      'b c d',
      's.a',
    ],
    ['UPDATE ONLY a x SET y = 1 FROM b WHERE x.z IN (TABLE c)', 'c b', 'a'],
    ['DELETE FROM a USING b, c JOIN d USING (x) WHERE true', 'b c d', 'a'],
    ['MERGE INTO a USING (TABLE b) x ON true WHEN MATCHED AND EXISTS (TABLE c) THEN DELETE', 'b c', 'a'],
    ['SELECT 1 FROM a FOR UPDATE OF a', 'a', ''],
    ['SELECT * FROM a TABLESAMPLE SYSTEM (1)', 'a', ''],
    ['SELECT * INTO s.a FROM b', 'b', 's.a'],
    ['CREATE TABLE a AS TABLE b', 'b', 'a'],
    ['CREATE TABLE a (LIKE b, c int REFERENCES s.d, FOREIGN KEY (e) REFERENCES f)', 'b s.d f', 'a'],
    ['CREATE TABLE a PARTITION OF b FOR VALUES IN (1)', '', 'a b'],
    ['CREATE VIEW a AS SELECT 1 FROM b', 'b', 'a'],
    ['CREATE RULE r AS ON INSERT TO a DO ALSO INSERT INTO b SELECT 1 FROM c', 'c', 'a b'],
    ['CREATE TRIGGER r AFTER INSERT ON a EXECUTE FUNCTION f()', '', 'a'],
    ['CREATE INDEX ON s.a (b)', '', 's.a'],
    ['CREATE TYPE a AS (b int)', '', ''],
    ['ALTER TABLE s.a RENAME TO b', '', 's.a'],
    ['ALTER TABLE a ATTACH PARTITION b DEFAULT', '', 'a b'],
    ['DROP TABLE a, s.b', '', 'a s.b'],
    ['DROP TRIGGER r ON s.a', '', 's.a'],
    ['DROP INDEX i', '', ''],
    ['COMMENT ON TABLE s.a IS $$x$$', '', 's.a'],
    ['COMMENT ON COLUMN a.b IS NULL', '', 'a'],
    ['GRANT SELECT ON a, s.b TO r', '', 'a s.b'],
    ['TRUNCATE a, ONLY s.b', '', 'a s.b'],
    ['LOCK a', '', 'a'],
    ['COPY s.a (b) FROM STDIN WHERE c > 1', '', 's.a'],
    ['COPY a TO STDOUT', 'a', ''],
    ['COPY (SELECT 1 FROM a) TO STDOUT', 'a', ''],
    ['COPY (DELETE FROM a USING b RETURNING 1) TO STDOUT', 'b', 'a'],
    ['REFRESH MATERIALIZED VIEW CONCURRENTLY a', '', 'a'],
    ['VACUUM ANALYZE a, s.b (c)', '', 'a s.b'],
    ['REINDEX TABLE a', '', 'a'],
    ['CLUSTER a USING i', '', 'a'],
    ['DECLARE c CURSOR FOR TABLE a', 'a', ''],
    ['PREPARE p AS INSERT INTO a TABLE b', 'b', 'a'],
    ['EXPLAIN INSERT INTO a TABLE b', 'b a', ''],
    ['EXPLAIN ANALYZE INSERT INTO a TABLE b', 'b', 'a'],
    ['INSERT INTO a TABLE b; UPDATE c SET d = 1 FROM b', 'b', 'a c'],
    ['SELECT 1 FROM a, a b, "A", "s.t"', 'a A s.t', ''],
  ])('%s reads (%s) and writes (%s)', (text, read, written) => {
    const { kind, read: reads, written: writes } = describe(text);
    expect(kind).not.toBe('unknown');
    expect(named(reads)).toEqual(read.split(' ').filter(Boolean));
    expect(named(writes)).toEqual(written.split(' ').filter(Boolean));
  });
});

suite('changes', () => {
  it.each([
    ['SELECT 1 FROM a FOR UPDATE', ''],
    ['INSERT INTO s.a TABLE b', 'insert s.a'],
    ['INSERT INTO a VALUES (1) ON CONFLICT DO NOTHING', 'insert a'],
    ['INSERT INTO a VALUES (1) ON CONFLICT (x) DO UPDATE SET y = 1', 'insert a, update a'],
    ['UPDATE ONLY a SET y = 1', 'update only a'],
    ['DELETE FROM a USING b', 'delete a'],
    [
      'MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (1)',
      'insert a, delete a',
    ],
    ['MERGE INTO a USING b ON true WHEN MATCHED AND b.x THEN UPDATE SET y = 1', 'update a'],
    [
      'WITH x AS (DELETE FROM a RETURNING *), y AS (UPDATE b SET c = 1) INSERT INTO d TABLE x',
      'insert d, delete a, update b',
    ],
    ['WITH x AS (DELETE FROM a RETURNING *) SELECT * FROM x', 'delete a'],
    ['TRUNCATE a, ONLY s.b', 'truncate a, truncate only s.b'],
    ['TRUNCATE a CASCADE', 'truncate cascade a'],
    ['COPY s.a (b) FROM STDIN', 'insert s.a'],
    ['COPY a TO STDOUT', ''],
    ['COPY (DELETE FROM a RETURNING 1) TO STDOUT', 'delete a'],
    ['REFRESH MATERIALIZED VIEW CONCURRENTLY a', 'refresh a'],
    ['EXPLAIN DELETE FROM a', ''],
    ['EXPLAIN EXECUTE p', ''],
    ['EXPLAIN ANALYZE DELETE FROM a', 'delete a'],
    ['PREPARE p AS DELETE FROM a', ''],
    ['DECLARE c CURSOR FOR TABLE a', ''],
    ['VACUUM ANALYZE a', ''],
    ['LOCK a', ''],
    ['COMMIT', ''],
    [`PREPARE TRANSACTION 'x'`, ''],
    ['SET a.b = 1', ''],
    ['', ''],
    ['BEGIN; DELETE FROM a; INSERT INTO b VALUES (1); COMMIT', 'delete a, insert b'],
  ])('by %s: %s', (text, changes) => {
    const { effects } = describe(text);
    const told = effects?.changes.map(
      (change) => `${change.by} ${change.only ? 'only ' : ''}${named([change]).join('')}`,
    );
    expect(told?.join(', ')).toBe(changes);
  });

  it.each([
    'EXECUTE p',
    'EXPLAIN ANALYZE EXECUTE p',
    'CALL p()',
    'DO $$ BEGIN END $$',
    'CREATE TABLE a AS TABLE b',
    'SELECT * INTO a FROM b',
    'EXPLAIN ANALYZE CREATE TABLE a AS TABLE b',
    'DROP TABLE a',
    'REINDEX TABLE a',
    'ALTER TABLE a ADD b int',
    `COMMIT PREPARED 'x'`,
    `LOAD 'a'`,
    'DELETE FROM a; CALL p()',
    'SET search_path = b; DELETE FROM a',
    `SELECT set_config('search_path', 'b', false); DELETE FROM a`,
    'SELEC 1',
  ])('by %s are not told', (text) => {
    expect(describe(text).effects).toBeUndefined();
  });

  it('come with all that is called, each once', () => {
    const { effects } = describe(
      'INSERT INTO a SELECT lower(b.c), app.f(d::app.mood), lower(e) FROM b WHERE (x).y OPERATOR(app.=) 1 RETURNING z + z + z',
    );
    expect(effects).toMatchObject({
      functions: [['lower'], ['app', 'f']],
      operators: [['app', '='], ['+']],
      fields: ['c', 'y'],
      types: [['app', 'mood']],
      reads: [{ schema: undefined, name: 'b' }],
    });
  });
});

suite('the normalized text', () => {
  it.each([
    [
      `SELECT 'a', 1.5, true, NULL FROM t WHERE b = $2 AND c = -1`,
      'SELECT $3, $4, $5, $6 FROM t WHERE b = $2 AND c = $7',
    ],
    ['SELECT a-1, -a FROM t /* x 1 */ -- y\n;', 'SELECT a-$1, -a FROM t'],
    [`SELECT 'a'\n  'b', E'\\'', $$c$$, $x$d$x$`, 'SELECT $1, $2, $3, $4'],
    [
      'SELECT a::numeric(10, 2), b FROM t ORDER BY 2 DESC, a + 1',
      'SELECT a::numeric(10, 2), b FROM t ORDER BY 2 DESC, a + $1',
    ],
    ['SELECT a FROM t GROUP BY 1 LIMIT 3', 'SELECT a FROM t GROUP BY 1 LIMIT $1'],
    ['SELECT a FROM t WHERE b IN (1, 2,3) AND c = 4', 'SELECT a FROM t WHERE b IN ($1 /*, ... */) AND c = $2'],
    ['SELECT ARRAY[1::numeric(3,1), 2]', 'SELECT ARRAY[$1::numeric(3,1) /*, ... */]'],
    ['SELECT a FROM t WHERE b IN (1)', 'SELECT a FROM t WHERE b IN ($1)'],
    [`SELECT 'é' AS "ü", -1, b FROM t ORDER BY 3`, 'SELECT $1 AS "ü", $2, b FROM t ORDER BY 3'],
    [`ALTER ROLE r PASSWORD 'secret'`, 'ALTER ROLE r PASSWORD $1'],
    [`SET app.token = secret`, 'SET app.token = $1'],
    ['BEGIN ISOLATION LEVEL SERIALIZABLE', 'BEGIN ISOLATION LEVEL SERIALIZABLE'],
    [`SELEC 'secret', 42 FROM t -- secret`, 'SELEC $1, $2 FROM t'],
    [`INSERT INTO t VALUES (1, 'x'), (2, NULL)`, 'INSERT INTO t VALUES ($1, $2), ($3, $4)'],
  ])('of %s', (text, normalized) => {
    expect(describe(text).normalized).toBe(normalized);
  });

  it('is bounded', () => {
    expect(describe(`SELECT ${'a, '.repeat(8000)} b`).normalized.length).toBeLessThanOrEqual(10_001);
  });
});

suite('what is remembered', () => {
  it('is the same frozen answer', () => {
    const fresh = createDescriber();
    const first = fresh('SELECT a FROM t');
    expect(fresh(['SELECT a', 'FROM t'].join(' '))).toBe(first);
    expect(Object.isFrozen(first) && Object.isFrozen(first.read) && Object.isFrozen(first.read[0])).toBe(true);
  });

  it('is bounded, and what is used stays', () => {
    const fresh = createDescriber();
    const often = fresh('SELECT a FROM t');
    const rarely = fresh('SELECT b FROM t');
    for (let at = 0; at < 11_000; at++) {
      fresh(`SELECT -- ${at}`);
      if (at % 1000 === 0) expect(fresh('SELECT a FROM t')).toBe(often);
    }
    expect(fresh('SELECT b FROM t')).not.toBe(rarely);
    expect(fresh('SELECT b FROM t')).toEqual(rarely);
  });
});
