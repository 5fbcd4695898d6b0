import fc from 'fast-check';
import { session } from '../../../../test/support/catalog.ts';
import { changedBy } from '../../../../test/support/changed-by.ts';
import { testDatabase, testedMajors } from '../../../../test/support/postgres.ts';
import { writingCase } from '../../../../test/support/write-generator.ts';
import { expect, test } from 'vitest';
import { describe, judgeFunctions, loadParser } from '../../../sql/index.ts';
import { readCatalog, readSession } from '../dependencies/index.ts';
import { footprintOf } from './footprint.ts';

test.each(testedMajors(18, 15))(
  'what the server changes is told, or that it is unknown (PostgreSQL %i)',
  async (major) => {
    await loadParser();
    await using database = await testDatabase(major);
    await database.query(`
    CREATE SCHEMA pitcrew;
    CREATE FUNCTION pitcrew.told() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN IF TG_LEVEL = ''ROW'' THEN RETURN coalesce(NEW, OLD); END IF; RETURN NULL; END';
  `);
    await using client = await session(database.url);
    await client.query('SET search_path = made, pg_catalog');
    const judge = judgeFunctions();
    /** Statements that the server ran: those whose tables were told, of which several were changed, or all that were told. */
    const counts = { told: 0, unknown: 0, several: 0, exact: 0 };
    await fc.assert(
      fc.asyncProperty(writingCase, async ({ definitions, statements, plain }) => {
        await client.query('DROP SCHEMA IF EXISTS made CASCADE');
        await client.query('CREATE SCHEMA made');
        // What does not go together is left out.
        for (const definition of definitions) await client.query(definition).catch(() => {});
        const catalog = await readCatalog(client);
        const asked = await readSession(client);
        for (const text of statements) {
          const changed = await changedBy(client, text);
          if (!changed) continue;
          const { tables, reason } = footprintOf(describe(text), catalog, asked, judge);
          if (tables === 'unknown') {
            counts.unknown += 1;
            expect(plain ? reason : undefined, text).toBeUndefined();
            continue;
          }
          expect(
            changed.filter((oid) => !tables.has(oid)),
            text,
          ).toEqual([]);
          counts.told += 1;
          if (changed.length > 1) counts.several += 1;
          const stored = [...tables].filter((oid) => catalog.relation(oid)?.kind !== 'p');
          if (changed.length > 0 && stored.length === changed.length) counts.exact += 1;
        }
      }),
      // The statement is in the message; looking for a smaller schema would take minutes.
      { numRuns: 20, endOnFailure: true },
    );
    expect(counts.told).toBeGreaterThan(100);
    expect(counts.unknown).toBeGreaterThan(0);
    expect(counts.several).toBeGreaterThan(10);
    expect(counts.exact).toBeGreaterThan(50);
  },
  180_000,
);
