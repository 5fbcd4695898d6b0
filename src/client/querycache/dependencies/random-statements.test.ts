import fc from 'fast-check';
import { session } from '../../../../test/support/catalog.ts';
import { dependedOnBy } from '../../../../test/support/depended-on.ts';
import { dependencySchema } from '../../../../test/support/dependency-schema.ts';
import { testDatabase, testedMajors } from '../../../../test/support/postgres.ts';
import { query } from '../../../../test/support/statement-generator.ts';
import { expect, test } from 'vitest';
import { loadParser } from '../../../sql/index.ts';
import { dependenciesOf, readCatalog, readSession } from './index.ts';

/** The tables of the generated queries, here a table with children and a view with a function in it. */
const schema = `
  CREATE SCHEMA app;
  CREATE TABLE t (a int PRIMARY KEY, b int, c text, d jsonb, e timestamptz);
  CREATE TABLE t_child () INHERITS (t);
  CREATE TABLE base (a int, b int, c text);
  CREATE TABLE looked_up (a int);
  CREATE FUNCTION app.count_up(n int) RETURNS bigint LANGUAGE sql STABLE RETURN (SELECT count(*) FROM looked_up WHERE a < n);
  CREATE VIEW u AS SELECT a, (b + app.count_up(a))::int AS b, c FROM base;
  CREATE SEQUENCE s;
  CREATE FUNCTION app.bump(n int) RETURNS int LANGUAGE sql AS 'SELECT n';
  -- In the way of what is built in.
  CREATE TABLE w (n int, m text);
  CREATE FUNCTION length(w) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM looked_up); END';
  CREATE FUNCTION abs(w) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT max(a) FROM looked_up); END';
`;

/** Common table expressions may bear the names of tables. */
const statement = fc.tuple(query, fc.constantFrom('w', 't', 'u', 'base')).map(([{ text, writes }, name]) => ({
  text: text.replaceAll(/\bw\b/g, () => name),
  writes,
}));

test.each(testedMajors(18, 16, 15))('what the server names is found, or refused (PostgreSQL %i)', async (major) => {
  await loadParser();
  await using database = await testDatabase(major);
  await database.query(schema);
  await using client = await session(database.url);
  const catalog = await readCatalog(client);
  const asked = await readSession(client);
  let found = 0;
  await fc.assert(
    fc.asyncProperty(statement, async ({ text, writes }) => {
      const answer = dependenciesOf(text, catalog, asked);
      if (!answer.cacheable) return;
      expect(writes).toBe(false);
      const named = await dependedOnBy(client, text);
      if (!named) return;
      expect(named.relations.filter(({ oid }) => !answer.tables.includes(oid))).toEqual([]);
      expect(named.functions.filter(({ body, volatility }) => !body || volatility === 'v')).toEqual([]);
      expect(named.builtins.filter(({ name, volatility }) => volatility === 'v' || name === 'now')).toEqual([]);
      if (named.relations.length > 0) found += 1;
    }),
    { numRuns: 400 },
  );
  expect(found).toBeGreaterThan(80);
});

const tables =
  `users orders active active_orders events events_2024 animals dogs totals totals_view summed kinds moved parts notes`.split(
    ' ',
  );
const named = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...tables) },
  fc.constantFrom('app.users', 'app.orders', 'other.orders', 'app.active', 'app.kinds'),
);

function filled(pattern: string, ...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> {
  return fc.tuple(...parts).map((texts) => {
    let at = 0;
    return pattern.replaceAll('@', () => texts[at++] ?? '');
  });
}

/** Queries of one column; `#` becomes an alias that nothing else has. */
const { query: scoped } = fc.letrec<Record<'query' | 'source' | 'condition' | 'value', string>>((tie) => ({
  source: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 5, arbitrary: filled('@ #', named) },
    filled('(@) #', tie('query')),
    filled('@ CROSS JOIN LATERAL (@) #', tie('source'), tie('query')),
    filled('@ LEFT JOIN @ ON @', tie('source'), tie('source'), tie('condition')),
    filled('@ CROSS JOIN app.rows() #', tie('source')),
    filled('(VALUES ((@))) #', tie('value')),
  ),
  condition: fc.oneof(
    { depthSize: 'small' },
    { weight: 4, arbitrary: fc.constant('true') },
    filled('EXISTS (@)', tie('query')),
    filled('1 NOT IN (@)', tie('query')),
    filled('(@) = ANY (@)', tie('value'), tie('query')),
  ),
  value: fc.oneof(
    { depthSize: 'small' },
    { weight: 4, arbitrary: fc.constant('1') },
    filled('(SELECT count(*)::int FROM @)', tie('source')),
    filled('CASE WHEN @ THEN app.new_sum(1)::int ELSE cardinality(ARRAY(@)) END', tie('condition'), tie('query')),
  ),
  query: fc.oneof(
    { depthSize: 'small' },
    { weight: 3, arbitrary: filled('SELECT @ FROM @ WHERE @', tie('value'), tie('source'), tie('condition')) },
    filled(
      'SELECT count(*)::int FROM @ GROUP BY (@) + 0 HAVING @ LIMIT @',
      tie('source'),
      tie('value'),
      tie('condition'),
      tie('value'),
    ),
    filled('(@) UNION ALL (@)', tie('query'), tie('query')),
    filled('WITH @ AS (@) (@) ORDER BY 1', fc.constantFrom(...tables), tie('query'), tie('query')),
    filled(
      'WITH @ AS (@), @ AS MATERIALIZED (@) SELECT @ FROM @',
      fc.constantFrom(...tables),
      tie('query'),
      fc.constantFrom(...tables),
      tie('query'),
      tie('value'),
      tie('source'),
    ),
    filled(
      'WITH RECURSIVE @ AS (@), @ AS (@) (@)',
      fc.constantFrom(...tables),
      tie('query'),
      fc.constantFrom(...tables),
      tie('query'),
      tie('query'),
    ),
  ),
}));

test('names are what the server takes them for, in whatever scope', async () => {
  await loadParser();
  await using database = await testDatabase();
  await database.query(dependencySchema);
  await using client = await session(database.url);
  const catalog = await readCatalog(client);
  const sessions = new Map<string, Awaited<ReturnType<typeof readSession>>>();
  for (const path of ['app, public', 'other, app, public']) {
    await client.query(`SET search_path = ${path}`);
    sessions.set(path, await readSession(client));
  }
  let found = 0;
  // PostgreSQL's own view of it, neither more nor less: what these queries name is all that they read.
  await fc.assert(
    fc.asyncProperty(scoped, fc.constantFrom(...sessions.keys()), async (pattern, path) => {
      let aliases = 0;
      const text = pattern.replaceAll('#', () => `a${++aliases}`);
      const asked = sessions.get(path);
      if (!asked) throw new Error('no such session');
      const answer = dependenciesOf(text, catalog, asked);
      await client.query(`SET search_path = ${path}`);
      const oracle = await dependedOnBy(client, text);
      if (!oracle) return;
      const expected = oracle.relations.map(({ oid }) => oid).toSorted((a, b) => a - b);
      expect(answer, text).toMatchObject({ cacheable: true });
      if (answer.cacheable) expect(answer.tables, text).toEqual(expected);
      found += 1;
    }),
    { numRuns: 400 },
  );
  expect(found).toBeGreaterThan(120);
});
