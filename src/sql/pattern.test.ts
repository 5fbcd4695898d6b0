import { sharedMajors, testDatabase } from '../../test/support/postgres.ts';
import { describe, expect, it } from 'vitest';
import { statementPattern, tokenize } from './index.ts';

const pattern = (text: string): string => statementPattern(text).pattern;
const tables = (text: string): string[] => statementPattern(text).tables;
const kind = (text: string): string => statementPattern(text).kind;

describe('statementPattern', () => {
  it.each([
    [
      'values',
      `SELECT * FROM t WHERE a = 1 AND b = 'x' AND c = 1.5e-3`,
      `SELECT * FROM t WHERE a = $1 AND b = $2 AND c = $3`,
    ],
    ['numbers of placeholders', 'SELECT $1, a FROM t WHERE b = $2', 'SELECT $7, a FROM t WHERE b = $1'],
    [
      'kinds of strings',
      `SELECT 'it''s', E'it\\'s', $$it's$$, $q$it's$q$, B'1', U&'x'`,
      'SELECT $1, $2, $3, $4, $5, $6',
    ],
    [
      'signs',
      'SELECT a FROM t WHERE b = -1 AND c=-2 AND d IN (-1, +2)',
      'SELECT a FROM t WHERE b = 1 AND c = 2 AND d IN (3)',
    ],
    ['booleans as values', 'SELECT f(a, true) FROM t WHERE b = false', 'SELECT f(a, $1) FROM t WHERE b = $2'],
    ['IN lists', 'SELECT a FROM t WHERE b IN ($1, $2, $3)', 'SELECT a FROM t WHERE b IN ($1 /*, ... */)'],
    ['IN lists with casts', 'SELECT a FROM t WHERE b IN ($1::int, $2::int)', 'SELECT a FROM t WHERE b IN ($1::int)'],
    [
      'IN lists of rows',
      'SELECT a FROM t WHERE (b, c) IN ((1, 2), (3, 4))',
      'SELECT a FROM t WHERE (b, c) IN ((1, 2))',
    ],
    ['arrays', 'SELECT a FROM t WHERE b = ANY (ARRAY[1, 2, 3])', 'SELECT a FROM t WHERE b = ANY (ARRAY[$1])'],
    ['rows of VALUES', 'INSERT INTO t (a, b) VALUES ($1, $2), ($3, now())', 'INSERT INTO t (a, b) VALUES ($1, $2)'],
    ['white space', 'SELECT  a,b\n\tFROM t', 'select a , b from t'],
    ['comments', 'SELECT /* app:/* nested */ web */ a -- why\nFROM t', 'SELECT a FROM t'],
    ['case', 'select A from T Where b Is Null', 'SELECT a FROM t WHERE b IS NULL'],
    ['needless quotes', 'SELECT "a" FROM "t"', 'SELECT a FROM t'],
    ['the final semicolon', 'SELECT a FROM t;', 'SELECT a FROM t'],
  ])('is the same for different %s', (_what, one, other) => {
    expect(pattern(one)).toBe(pattern(other));
  });

  it.each([
    ['SELECT a FROM t', 'SELECT b FROM t'],
    ['SELECT a FROM t', 'SELECT a FROM "T"'],
    ['SELECT a FROM t WHERE b = 1', 'SELECT a FROM t WHERE b > 1'],
    ['SELECT a FROM t WHERE b IS TRUE', 'SELECT a FROM t WHERE b IS FALSE'],
    ['SELECT a FROM t WHERE b IN (1)', 'SELECT a FROM t WHERE b IN (SELECT 1)'],
    ['SELECT a FROM t WHERE b IN (1)', 'SELECT a FROM t WHERE b NOT IN (1)'],
    ['SELECT a - 1 FROM t', 'SELECT a + 1 FROM t'],
    ['SELECT a FROM t LIMIT 1', 'SELECT a FROM t OFFSET 1'],
  ])('tells %s from %s', (one, other) => {
    expect(pattern(one)).not.toBe(pattern(other));
  });

  it('reads well', () => {
    expect(
      pattern(
        `select o.id,count(*) from orders o where o.state in ('new','paid') and o.data->>'k'=$1 order by 2 limit 10`,
      ),
    ).toBe('SELECT o.id, count(*) FROM orders o WHERE o.state IN (?) AND o.data ->> ? = ? ORDER BY ? LIMIT ?');
  });

  it('is a pattern itself', () => {
    const once = pattern(`INSERT INTO "Odd"."t" (a) VALUES (1), (2) RETURNING a::text, b[1]`);
    expect(pattern(once.replaceAll('?', '$1'))).toBe(once);
  });

  it.each([
    ['(SELECT 1)', 'select'],
    ['WITH a AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM a', 'select'],
    ['with recursive a as (select 1) update t set b = 1', 'update'],
    ['VALUES (1)', 'select'],
    ['MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE', 'merge'],
    ['CREATE TABLE t ()', 'ddl'],
    ['TRUNCATE t', 'ddl'],
    ['begin', 'utility'],
    ['VACUUM t', 'utility'],
    ['"select" 1', 'other'],
    ['', 'other'],
  ])('%s is of the kind %s', (text, expected) => {
    expect(kind(text)).toBe(expected);
  });

  it.each([
    [
      'SELECT 1 FROM a, b JOIN s.c ON true LEFT JOIN LATERAL (SELECT 1 FROM d) x ON true, ONLY e',
      ['a', 'b', 's.c', 'd', 'e'],
    ],
    ['SELECT a, b FROM t WHERE c IN (SELECT d, e FROM u)', ['t', 'u']],
    ['SELECT extract(year FROM x), trim(BOTH FROM y), a IS DISTINCT FROM b FROM t', ['t']],
    ['SELECT 1 FROM generate_series(1, 2) g, unnest($1) u', []],
    [
      'WITH x AS (SELECT 1 FROM a), y (n) AS NOT MATERIALIZED (SELECT 1 FROM x) SELECT 1 FROM y, x, public.x',
      ['a', 'public.x'],
    ],
    ['INSERT INTO a (b, c) SELECT d, e FROM f ON CONFLICT (b) DO UPDATE SET c = excluded.c', ['a', 'f']],
    ['UPDATE a SET b = 1, c = 2 FROM d WHERE e', ['a', 'd']],
    ['DELETE FROM ONLY a USING b, c WHERE d', ['a', 'b', 'c']],
    ['MERGE INTO a USING b ON true WHEN MATCHED THEN UPDATE SET c = 1', ['a', 'b']],
    ['SELECT 1 FROM (a JOIN b USING (id)) JOIN c USING (id) FOR UPDATE OF a', ['a', 'b', 'c']],
    ['SELECT 1 FROM a UNION SELECT b, c FROM d ORDER BY e, f', ['a', 'd']],
    ['SELECT 1 FROM "My Table", "select"', ['"My Table"', '"select"']],
    ['CREATE INDEX CONCURRENTLY i ON s.t (a)', ['s.t']],
    ['DROP TABLE IF EXISTS a, b CASCADE', ['a', 'b']],
    ['COPY t (a, b) FROM STDIN', ['t']],
    ['TABLE a', ['a']],
  ])('finds the tables of %s', (text, expected) => {
    expect(tables(text)).toEqual(expected);
  });

  it('ends what is open at the end of a text that was cut off', () => {
    const whole = `WITH x AS (SELECT "a" FROM t WHERE b = 'c') /* d */ INSERT INTO u VALUES ($1, $2), ($3, $4) RETURNING $tag$e$tag$`;
    for (let length = 0; length <= whole.length; length++) {
      const cut = statementPattern(whole.slice(0, length));
      expect(cut.tables.every((name) => ['t', 'u', 'x', 'a'].includes(name))).toBe(true);
    }
    expect(pattern('INSERT INTO u VALUES ($1, $2), ($3')).toBe(pattern('INSERT INTO u VALUES ($1, $2)'));
  });

  it('never keeps a value', () => {
    for (const secret of [`'hunter2'`, `E'\\'hunter2'`, '$x$hunter2$x$', `U&'hunter2'`, `'a' 'hunter2'`, `'hunter2`]) {
      expect(pattern(`SELECT 1 FROM t WHERE a = ${secret}`)).not.toContain('hunter2');
    }
  });

  it('bounds what it answers, whatever it is given', () => {
    const hostile = [
      '(',
      "'",
      '"',
      '/*',
      '$a$',
      '$a',
      'in (1,',
      'values (',
      '+-',
      'as (',
      'a.',
      ',(',
      '\\',
      '\u0000',
      '😀',
      'é',
    ];
    for (const piece of hostile) {
      const found = statementPattern(`with ${piece.repeat(100_000 / piece.length)}`);
      expect(found.pattern.length).toBeLessThanOrEqual(10_001);
      expect(found.tables.length).toBeLessThanOrEqual(100);
    }
  });

  it('takes any mixture of pieces', () => {
    const pieces = [
      'select',
      'from',
      'in',
      '(',
      ')',
      ',',
      "'",
      '"',
      '$1',
      '$$',
      '--',
      '\n',
      '/*',
      '*/',
      'values',
      'with',
      'as',
      '.',
      '::',
      '[',
      ']',
      '-',
      '1',
      'x',
      ';',
    ];
    let seed = 42;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % below;
    };
    for (let round = 0; round < 500; round++) {
      const text = Array.from({ length: random(40) }, () => pieces[random(pieces.length)]).join(
        random(2) === 0 ? ' ' : '',
      );
      expect(pattern(`\n/* of /* any */ kind */ ${text}`)).toBe(pattern(text));
      expect(tokenize(text).length).toBeLessThanOrEqual(text.length);
    }
  });

  it('groups what pg_stat_statements normalised as what was sent, on every version', async () => {
    for (const major of sharedMajors()) {
      await using database = await testDatabase(major);
      await database.query('CREATE EXTENSION pg_stat_statements');
      await database.query('CREATE TABLE things (id int, name text)');
      const sent = [
        `SELECT name FROM things WHERE id IN (1, 2, 3) AND name <> 'x'`,
        `SELECT name FROM things WHERE id IN (1, 2, 3, 4, 5) AND name <> 'it''s'`,
        `INSERT INTO things (id, name) VALUES (1, 'a'), (2, 'b')`,
        `UPDATE things SET name = 'c' WHERE id = -1`,
        `DELETE FROM things WHERE id = 1 AND name = E'\\'' /* why */`,
      ];
      for (const text of sent) await database.query(text);
      const rows = await database.query<{ query: string }>(
        `SELECT query FROM pg_stat_statements
          WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query ~* '^(select name|insert|update|delete)'`,
      );
      const seen = new Set(rows.map(({ query }) => pattern(query)));
      expect(seen).toEqual(new Set(sent.map((text) => pattern(text))));
      expect(seen.size).toBe(4);
    }
  });
});
