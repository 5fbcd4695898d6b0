import { describe, expect, test } from 'vitest';
import { plainRole, type PlainRole } from '../../../../test/support/catalog.ts';
import { type TestDatabase, testDatabase, testedMajors } from '../../../../test/support/postgres.ts';
import { openCheckContext, runChecks } from '../index.ts';

/** What the checks answer to a role from which relations of the catalog are hidden, as where a server was hardened. */
async function statuses(database: TestDatabase, role: PlainRole, hidden: string): Promise<Map<string, string>> {
  await using context = await openCheckContext({ url: role.url });
  await database.query(`REVOKE SELECT ON ${hidden} FROM PUBLIC`);
  const results = await runChecks(context);
  await database.query(`GRANT SELECT ON ${hidden} TO PUBLIC`);
  return new Map(results.map(({ check, answer }) => [check, answer.status]));
}

function idsThatAre(status: string, statuses: Map<string, string>): string[] {
  return [...statuses].flatMap(([check, answered]) => (answered === status ? [check] : [])).toSorted();
}

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('what is hidden is not taken for what is not there', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE EXTENSION pg_stat_statements; CREATE TABLE t (id bigint PRIMARY KEY)`);
    await using role = await plainRole(database);
    // The version is told to whoever connects; that of a future server is what it cannot judge (server.test.ts).
    expect(idsThatAre('fine', await statuses(database, role, 'ALL TABLES IN SCHEMA pg_catalog'))).toEqual(['version']);
    const settings = idsThatAre('unknown', await statuses(database, role, 'pg_settings'));
    expect(settings).toEqual(
      expect.arrayContaining([
        'autovacuum-settings',
        'io-settings',
        'memory-settings',
        'planner-settings',
        'query-statistics',
        'safety-settings',
        'wal-settings',
      ]),
    );
    const tables = idsThatAre('unknown', await statuses(database, role, 'pg_index'));
    expect(tables).toEqual(
      expect.arrayContaining(['freeze-age', 'materialised-view-candidate', 'stale-statistics', 'vacuum-behind']),
    );
  });
});
