import { beforeAll, expect, test } from 'vitest';
import {
  type Condition,
  loadParser,
  type OrderKey,
  predicatesOf,
  type RelationResolver,
  type TableUse,
} from '../index.ts';

beforeAll(loadParser);

const tables: Record<string, readonly string[]> = {
  t: ['a', 'b', 'c', 'tags', 'doc', 'name', 'open', 'at'],
  u: ['id', 'a', 'note', 'Größe'],
  p: ['id', 'place'],
  v: ['x', 'total', 'low'],
};

const resolver: RelationResolver = {
  relation(schema, name) {
    const columns = tables[name];
    if (!columns || (schema !== undefined && schema !== 's')) return undefined;
    const definition =
      name === 'v' ? 'SELECT t.a AS x, u.id AS total, lower(t.name) FROM s.t JOIN s.u ON u.a = t.b;' : undefined;
    return { schema: 's', name, columns, ...(definition === undefined ? {} : { definition }) };
  },
};

function usesOf(text: string): readonly TableUse[] {
  const { predicates, reason } = predicatesOf(text, resolver);
  if (!predicates) throw new Error(reason);
  return predicates.uses;
}

function say({ kind, operand, operator, with: compared, other }: Condition): string {
  const what = kind === 'operator' ? operator : kind;
  const joined = other ? ` ${other.use}.${other.operand.sql}` : '';
  return `${what} ${operand.sql}${compared === 'constant' ? '' : ` ${compared}${joined}`}`;
}

function sayOrder(keys: readonly OrderKey[]): string {
  return keys
    .map(({ operand, descending, nulls, distance }) =>
      [operand.sql, distance, descending ? 'desc' : undefined, nulls].filter((word) => word !== undefined).join(' '),
    )
    .join(', ');
}

function conditionsOf(text: string): string[] {
  return usesOf(text).flatMap(({ table, conditions }) => conditions.map((condition) => `${table}: ${say(condition)}`));
}

test.each([
  ['a = 1', ['equal a']],
  ['a = $1 AND $2 = b', ['equal a value', 'equal b value']],
  ['a IN (1, 2)', ['in a']],
  ['a = ANY ($1)', ['in a value']],
  ['a NOT IN (1, 2)', ['unequal a']],
  ['a > 3 AND b BETWEEN $1 AND $2', ['range a', 'range b value']],
  ['$1 < a', ['range a value']],
  ['a IS NULL', ['null a']],
  ['NOT a IS NULL', ['not null a']],
  ['open', ['true open']],
  ['NOT open AND (open IS TRUE)', ['false open', 'true open']],
  [`name LIKE 'ab%'`, ['prefix name']],
  [`name LIKE '%ab%'`, ['pattern name']],
  [`name LIKE '_b'`, ['pattern name']],
  [`name LIKE $1`, ['like name value']],
  [`name LIKE '%' || $1 || '%'`, ['pattern name value']],
  [`name LIKE 'a' || $1`, ['prefix name value']],
  [`name NOT LIKE 'a%'`, []],
  [`name ILIKE 'ab%'`, ['pattern name']],
  [`name ~ 'a.*b'`, ['pattern name']],
  [`starts_with(name, 'ab') AND name ^@ 'a'`, ['prefix name', 'prefix name']],
  [`doc @> '{"k": 1}'`, ['@> doc']],
  [`doc ? 'k'`, ['? doc']],
  [`doc ->> 'k' = $1`, [`equal (doc ->> 'k') value`]],
  [`(doc -> 'k')::int > 2`, [`range (doc -> 'k')::int4`]],
  [`tags && ARRAY['x']`, ['&& tags']],
  [`'x' = ANY (tags)`, ['= ANY tags']],
  [`to_tsvector('english', name) @@ to_tsquery($1)`, [`@@ to_tsvector('english', name) value`]],
  ['lower(name) = lower($1)', ['equal lower(name) value']],
  [`date_trunc('day', at) = $1`, [`equal date_trunc('day', at) value`]],
  [`at >= now() - interval '1 day'`, ['range at value']],
  ['a = b', []],
  ['a + b = 3', ['equal (a + b)']],
  ['a = (SELECT max(id) FROM u)', ['equal a other']],
  ['(a, b) = (1, $1)', ['equal a', 'equal b value']],
  ['(a, b) > ($1, $2)', ['range a value']],
  ['(a, b) IN ((1, 2), (3, 4))', ['in a', 'in b']],
  ['a <> 1', ['unequal a']],
  ['a = -1', ['equal a']],
  ['a = $1 + 1', ['equal a value']],
  ['random() < 0.1', []],
])('WHERE %s', (where, expected) => {
  expect(conditionsOf(`SELECT 1 FROM t WHERE ${where}`).filter((said) => said.startsWith('t'))).toEqual(
    expected.map((said) => `t: ${said}`),
  );
});

test('a comparison of rows tells its columns in order', () => {
  const [use] = usesOf('SELECT 1 FROM t WHERE (a, b) < ($1, $2)');
  expect(use?.conditions[0]?.row?.map(({ column }) => column)).toEqual(['a', 'b']);
});

test('constant conditions are told as SQL, for partial indexes', () => {
  const of = (where: string) => usesOf(`SELECT 1 FROM t x WHERE ${where}`)[0]?.conditions[0]?.constant;
  expect(of(`x.name = 'it''s'`)).toBe(`name = 'it''s'`);
  expect(of('x.a IS NULL')).toBe('a IS NULL');
  expect(of('NOT x.open')).toBe('NOT open');
  expect(of('x.a IN (1, 2)')).toBe('a IN (1, 2)');
  expect(of(`x.a <> 0`)).toBe('a <> 0');
  expect(of(`x.at > '2020-01-01'::timestamptz`)).toBe(`at > '2020-01-01'::timestamptz`);
  expect(of('x.a = $1')).toBeUndefined();
  expect(of(String.raw`x.name = 'a\b'`)).toBe(String.raw`name = E'a\\b'`);
});

test('joins are told from both sides', () => {
  expect(conditionsOf('SELECT 1 FROM t JOIN u ON u.a = t.a WHERE t.b = 2')).toEqual([
    't: equal a join 1.a',
    't: equal b',
    'u: equal a join 0.a',
  ]);
  const both = ['t: equal a join 1.a', 'u: equal a join 0.a'];
  expect(conditionsOf('SELECT 1 FROM t JOIN u USING (a)')).toEqual(both);
  expect(conditionsOf('SELECT 1 FROM t NATURAL JOIN u')).toEqual(both);
  expect(conditionsOf('SELECT 1 FROM t, u WHERE t.a = u.a')).toEqual(both);
  expect(conditionsOf('SELECT 1 FROM t WHERE EXISTS (SELECT FROM u WHERE u.a = t.a)')).toEqual(both);
  expect(conditionsOf('SELECT (SELECT max(id) FROM u WHERE u.a = t.a) FROM t')).toEqual(both);
  expect(conditionsOf('SELECT 1 FROM t, LATERAL (SELECT 1 FROM u WHERE u.a = t.a LIMIT 1) x')).toEqual(both);
  expect(conditionsOf('SELECT 1 FROM t WHERE a IN (SELECT a FROM u)')).toEqual([
    't: equal a other',
    'u: equal a join 0.a',
  ]);
});

test('conditions reach the tables within sub-queries, common table expressions and views', () => {
  expect(conditionsOf('SELECT 1 FROM (SELECT a AS z FROM t) x WHERE x.z = 1')).toEqual(['t: equal a']);
  expect(conditionsOf('WITH x (z) AS (SELECT lower(name) FROM t) SELECT 1 FROM x WHERE z = $1')).toEqual([
    't: equal lower(name) value',
  ]);
  expect(conditionsOf('SELECT 1 FROM v WHERE x = 1 AND low = $1')).toEqual([
    't: equal b join 1.a',
    't: equal a',
    't: equal lower(name) value',
    'u: equal a join 0.b',
  ]);
  expect(conditionsOf('SELECT 1 FROM (SELECT a FROM t UNION ALL SELECT id FROM u) x WHERE x.a = 1')).toEqual([
    't: equal a',
    'u: equal id',
  ]);
  expect(conditionsOf('SELECT 1 FROM (SELECT * FROM t) x (z) WHERE z = 1 AND x.b = 2')).toEqual([
    't: equal a',
    't: equal b',
  ]);
});

test('a recursive query joins with itself', () => {
  expect(
    conditionsOf(
      'WITH RECURSIVE r AS (SELECT id FROM u WHERE id = 1 UNION SELECT u.id FROM u JOIN r ON u.a = r.id) TABLE r',
    ),
  ).toEqual(['u: equal id', 'u: equal a other']);
});

test('branches of an OR are told apart', () => {
  const [use] = usesOf('SELECT 1 FROM t WHERE (a = 1 OR (b = $1 AND c > 2)) AND at > now()');
  expect(use?.conditions.map(say)).toEqual(['range at value']);
  expect(use?.alternatives.map((branch) => branch.map(say))).toEqual([['equal a'], ['equal b value', 'range c']]);
});

test.each([
  ['SELECT * FROM t ORDER BY a, b DESC NULLS LAST, lower(name) LIMIT 3', ['a, b desc last, lower(name)'], true],
  ['SELECT a AS z, b FROM t ORDER BY 2, z', ['b, a'], false],
  ['SELECT 1 FROM t ORDER BY a, random(), b', ['a'], false],
  ['SELECT DISTINCT ON (a, b) * FROM t', ['a, b'], false],
  ['SELECT DISTINCT ON (a) * FROM t ORDER BY a, at DESC', ['a, at desc'], false],
  ['SELECT row_number() OVER (PARTITION BY a ORDER BY b DESC) FROM t', ['a, b desc'], false],
  ['SELECT rank() OVER w FROM t WINDOW w AS (ORDER BY c)', ['c'], false],
  ['SELECT z FROM (SELECT a AS z FROM t) x ORDER BY z LIMIT 1', ['a'], true],
  ['SELECT a FROM t FETCH FIRST 2 ROWS ONLY', [], true],
  ['SELECT a, sum(b) FROM t GROUP BY a ORDER BY sum(b) DESC LIMIT 3', [], true],
])('%s', (text, orders, limited) => {
  const [use] = usesOf(text);
  expect(use?.orders.map(sayOrder)).toEqual(orders);
  expect(use?.limited).toBe(limited);
});

test('orders by distance', () => {
  const [use] = usesOf('SELECT id FROM p ORDER BY place <-> point($1, $2) LIMIT 5');
  expect(use?.orders.map(sayOrder)).toEqual(['place <->']);
});

test('an order over two tables is told as far as it is of the first', () => {
  const uses = usesOf('SELECT 1 FROM t JOIN u USING (a) ORDER BY t.b, u.id');
  expect(uses.map(({ orders }) => orders.map(sayOrder))).toEqual([['b'], []]);
});

test('groups, distinct results, and extremes', () => {
  const groups = (text: string) => usesOf(text)[0]?.groups.map((group) => group.map(({ sql }) => sql));
  expect(groups('SELECT a, count(*) FROM t GROUP BY a, b')).toEqual([['a', 'b']]);
  expect(groups('SELECT lower(name) AS z, count(*) FROM t GROUP BY z')).toEqual([['lower(name)']]);
  expect(groups('SELECT DISTINCT a, b FROM t')).toEqual([['a', 'b']]);
  expect(groups('SELECT t.a, u.id FROM t, u GROUP BY 1, 2')).toEqual([]);
  const extremes = (text: string) => usesOf(text)[0]?.extremes.map((key) => sayOrder([key]));
  expect(extremes('SELECT min(a), max(at) FROM t WHERE b = 1')).toEqual(['a', 'at desc']);
  expect(extremes('SELECT max(at) FROM t GROUP BY b')).toEqual([]);
});

test('columns that are read', () => {
  const columns = (text: string) => usesOf(text).map((use) => use.columns?.toSorted());
  expect(columns('SELECT a FROM t WHERE b = 1 ORDER BY c')).toEqual([['a', 'b', 'c']]);
  expect(columns('SELECT count(*) FROM t WHERE b = 1')).toEqual([['b']]);
  expect(columns('SELECT * FROM p')).toEqual([['id', 'place']]);
  expect(columns('SELECT p FROM p')).toEqual([undefined]);
  expect(columns('SELECT id FROM (SELECT * FROM p) x')).toEqual([['id']]);
  expect(columns('SELECT x.id FROM p x JOIN u ON u.id = x.id')).toEqual([['id'], ['id']]);
  expect(columns('SELECT 1 FROM t WHERE EXISTS (SELECT * FROM u WHERE u.a = t.a)')).toEqual([['a'], ['a']]);
  expect(columns('UPDATE t SET a = 1 WHERE b = 2')).toEqual([undefined]);
});

test('changes tell their conditions and what they write', () => {
  const of = (text: string) => {
    const answer = predicatesOf(text, resolver).predicates;
    return {
      conditions: answer?.uses.flatMap(({ table, conditions }) => conditions.map((each) => `${table}: ${say(each)}`)),
      writes: answer?.writes.map(({ table, by, columns }) => `${by} ${table} ${columns.join(',')}`.trim()),
    };
  };
  expect(of('UPDATE t SET a = 1, b = u.id FROM u WHERE t.c = u.a')).toEqual({
    conditions: ['t: equal c join 1.a', 'u: equal a join 0.c'],
    writes: ['update t a,b'],
  });
  expect(of('DELETE FROM t USING u WHERE t.a = u.a AND u.id = $1')).toEqual({
    conditions: ['t: equal a join 1.a', 'u: equal a join 0.a', 'u: equal id value'],
    writes: ['delete t'],
  });
  expect(of('INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = excluded.b')).toEqual({
    conditions: [],
    writes: ['insert t', 'update t b'],
  });
  expect(of('INSERT INTO t (a) SELECT id FROM u WHERE note IS NULL')).toEqual({
    conditions: ['u: null note'],
    writes: ['insert t'],
  });
  expect(of('WITH gone AS (DELETE FROM u WHERE id = $1 RETURNING a) SELECT 1 FROM t JOIN gone USING (a)')).toEqual({
    conditions: ['u: equal id value', 't: equal a other'],
    writes: ['delete u'],
  });
  expect(
    of('MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN UPDATE SET b = 1 WHEN NOT MATCHED THEN INSERT VALUES (1)'),
  ).toEqual({
    conditions: ['t: equal a join 1.a', 'u: equal a join 0.a'],
    writes: ['update t b', 'insert t'],
  });
});

test('names are quoted where they must be', () => {
  expect(conditionsOf('SELECT 1 FROM u WHERE "Größe" = 1')).toEqual(['u: equal "Größe"']);
});

test('says why it cannot tell', () => {
  expect(predicatesOf('SELECT (', resolver).reason).toBe('it cannot be parsed');
  expect(predicatesOf('SELECT 1; SELECT 2', resolver).reason).toBe('it is not one statement');
  expect(predicatesOf('VACUUM t', resolver).reason).toBe('it has no plan');
  expect(predicatesOf(`SELECT '${'x'.repeat(60_000)}'`, resolver).reason).toMatch('longer');
  expect(predicatesOf('SELECT 1 FROM unknown WHERE a = 1', resolver).predicates?.uses).toEqual([]);
});
