import { sharedMajors, testDatabase } from '../../../../test/support/postgres.ts';
import { expect, test } from 'vitest';
import { fixedBySession, notImmutable, resultSettings, steadyByArguments, steadyWithSettings } from './builtins.ts';
import { catalogTypes, momentTypes } from './catalog/index.ts';

const newest = Math.max(...sharedMajors());

/** The oids given and all types that are made of them: arrays, ranges, multiranges, domains. */
const madeOf = `
  WITH RECURSIVE made (oid) AS (
    SELECT oid FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typname ~ $1
     UNION
    SELECT t.oid
      FROM made m
      JOIN pg_type t ON m.oid IN (nullif(t.typelem, 0), nullif(t.typbasetype, 0))
                     OR t.oid IN (SELECT unnest(ARRAY[rngtypid, rngmultitypid]) FROM pg_range WHERE rngsubtype = m.oid)
     WHERE t.oid < 12000
  )
  SELECT oid::int FROM made ORDER BY oid`;

test.each(sharedMajors())('lists of types are those of PostgreSQL %i', async (major) => {
  await using database = await testDatabase(major);
  const oids = async (pattern: string) =>
    (await database.query<{ oid: number }>(madeOf, [pattern])).map(({ oid }) => oid);
  const ascending = (types: ReadonlySet<number>) => [...types].toSorted((a, b) => a - b);
  expect(await oids('^(date|time|timetz|timestamp|timestamptz)$')).toEqual(ascending(momentTypes));
  expect(await oids('^reg')).toEqual(ascending(catalogTypes));
});

test.each(sharedMajors())('what is called steady is so in PostgreSQL %i by its declaration', async (major) => {
  await using database = await testDatabase(major);
  const rows = await database.query<{ name: string; volatile: boolean }>(`
    SELECT proname AS name, bool_or(provolatile = 'v') AS volatile
      FROM pg_proc
     WHERE pronamespace = 'pg_catalog'::regnamespace AND prorettype <> 'trigger'::regtype
     GROUP BY proname`);
  const volatile = new Map(rows.map((row) => [row.name, row.volatile]));
  const listed = [...steadyWithSettings, ...fixedBySession, ...steadyByArguments.keys(), ...notImmutable];
  expect(listed.filter((name) => volatile.get(name) === true)).toEqual([]);
  // Some are keywords only, without a function of their own.
  const keywords = ['current_catalog', 'current_role', 'user'];
  if (major === newest) expect(listed.filter((name) => !volatile.has(name))).toEqual(keywords);
});

test.each(sharedMajors())(
  'operators and casts of PostgreSQL %i that are not immutable depend on settings alone',
  async (major) => {
    await using database = await testDatabase(major);
    const rows = await database.query<{ name: string }>(`
    SELECT DISTINCT p.proname AS name
      FROM pg_proc p
     WHERE p.provolatile <> 'i' AND p.oid < 16384
       AND (p.oid IN (SELECT oprcode FROM pg_operator) OR p.oid IN (SELECT castfunc FROM pg_cast))
     ORDER BY 1`);
    // Texts of values; time zones; the default text search configuration. A regclass is refused by its type.
    const known =
      /^(?:(?:any)?text(?:any)?cat|(?:date|timestamp|timestamptz|interval)_\w+_(?:date|timestamp|timestamptz|interval)|ts_match_t[qt]|regclass)$/;
    const casts = rows.map(({ name }) => name).filter((name) => !known.test(name));
    expect(casts.filter((name) => !steadyWithSettings.has(name))).toEqual([]);
  },
);

test.each(sharedMajors())('PostgreSQL %i has the settings that results depend on', async (major) => {
  await using database = await testDatabase(major);
  const rows = await database.query<{ name: string }>('SELECT name FROM pg_settings');
  const names = new Set(rows.map(({ name }) => name));
  expect(resultSettings.filter((name) => !names.has(name))).toEqual([]);
});
