import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { plainRole, type PlainRole } from '../../../../test/support/catalog.ts';
import { type TestDatabase, testDatabase, testedMajors } from '../../../../test/support/postgres.ts';
import { openCheckContext, runChecks } from '../index.ts';
import { checks } from './index.ts';

/** Proven below: the check needs nothing but what the catalog shows to every role, unless a server hides it. */
const hidden = 'cases.test.ts';
const healthy = 'objects/objects.test.ts';
const atServers = 'server/server.test.ts';
const atSettings = 'server/settings/settings.test.ts';
const atWorkload = 'server/workload.test.ts';

/** Where it is proven, on real servers, that a check finds something, that it finds nothing, and that it cannot tell. */
const cases: Record<string, readonly [found: string, fine: string, unknown: string]> = {
  'sequence-exhaustion': ['objects/columns/running-out.test.ts', healthy, 'objects/columns/running-out.test.ts'],
  'integer-keys': ['objects/columns/running-out.test.ts', healthy, 'objects/columns/running-out.test.ts'],
  'invalid-index': ['objects/indexes/invalid.test.ts', healthy, 'objects/indexes/invalid.test.ts'],
  'unindexed-foreign-key': ['objects/indexes/unindexed-foreign-key.test.ts', healthy, hidden],
  'duplicate-index': ['objects/indexes/duplicate.test.ts', healthy, hidden],
  'overlapping-index': ['objects/indexes/overlapping.test.ts', healthy, hidden],
  'unused-index': ['objects/indexes/unused.test.ts', healthy, 'objects/indexes/unused.test.ts'],
  'bloated-index': ['objects/sizes/bloat.test.ts', healthy, healthy],
  'no-primary-key': ['objects/tables/shapes.test.ts', healthy, hidden],
  'freeze-age': ['objects/tables/vacuum.test.ts', healthy, hidden],
  'vacuum-behind': ['objects/tables/vacuum.test.ts', healthy, 'objects/tables/vacuum.test.ts'],
  'bloated-table': ['objects/sizes/bloat.test.ts', healthy, 'objects/tables/vacuum.test.ts'],
  'stale-statistics': ['objects/tables/stale-statistics.test.ts', healthy, 'objects/tables/vacuum.test.ts'],
  'extended-statistics': ['objects/columns/statistics.test.ts', healthy, 'objects/columns/statistics.test.ts'],
  'statistics-target': ['objects/columns/statistics.test.ts', healthy, 'objects/columns/statistics.test.ts'],
  'column-type': ['objects/columns/column-type.test.ts', healthy, hidden],
  'partition-candidate': ['objects/tables/shapes.test.ts', healthy, 'objects/tables/shapes.test.ts'],
  'safety-settings': [atSettings, atSettings, hidden],
  version: [atServers, atServers, atServers],
  'stale-sessions': ['server/sessions.test.ts', 'server/sessions.test.ts', 'server/sessions.test.ts'],
  connections: ['server/sessions.test.ts', 'server/sessions.test.ts', 'server/sessions.test.ts'],
  'replication-slots': ['server/provoked.test.ts', atServers, hidden],
  'sequential-scans': [atWorkload, atWorkload, atWorkload],
  'cache-hit': [atWorkload, atWorkload, atWorkload],
  'temp-files': [atWorkload, atWorkload, atWorkload],
  checkpoints: [atServers, atServers, atServers],
  // PostgreSQL from npm is built without LLVM and compiles nothing: what is found is proven on Debian's, where that is.
  'jit-cost': ['server/jit-cost.test.ts', 'server/jit-cost.test.ts', hidden],
  'materialised-view-candidate': [atWorkload, atWorkload, atWorkload],
  'memory-settings': [atSettings, atSettings, atSettings],
  'wal-settings': [atSettings, atSettings, atSettings],
  'planner-settings': [atSettings, atSettings, atSettings],
  'autovacuum-settings': [atServers, atServers, atServers],
  'io-settings': ['server/provoked.test.ts', 'server/provoked.test.ts', 'server/provoked.test.ts'],
  'query-statistics': [atServers, atServers, atServers],
  'extension-updates': [atServers, atServers, hidden],
};

test('every check has a positive, a negative and a cannot-tell case', () => {
  expect(Object.keys(cases)).toEqual(checks.map(({ id }) => id));
  for (const [id, files] of Object.entries(cases)) {
    const constant = id.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    for (const file of files) {
      const text = readFileSync(new URL(file, import.meta.url), 'utf8');
      // That file goes through all checks of objects.
      const named =
        file === healthy || [id, `${constant}.run`, `${constant}Check(`].some((name) => text.includes(name));
      expect(named, `${file} tests ${id}`).toBe(true);
    }
  }
});

/** What the checks answer to a role from which relations of the catalog are hidden, as where a server was hardened. */
async function statuses(database: TestDatabase, role: PlainRole, relations: string): Promise<Map<string, string>> {
  await using context = await openCheckContext({ url: role.url });
  await database.query(`REVOKE SELECT ON ${relations} FROM PUBLIC`);
  const results = await runChecks(context);
  await database.query(`GRANT SELECT ON ${relations} TO PUBLIC`);
  return new Map(results.map(({ check, answer }) => [check, answer.status]));
}

function unknownAmong(answered: Map<string, string>): string[] {
  return [...answered].flatMap(([check, status]) => (status === 'unknown' ? [check] : []));
}

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('what is hidden is not taken for what is not there', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE EXTENSION pg_stat_statements; CREATE TABLE t (id bigint PRIMARY KEY)`);
    await using role = await plainRole(database);
    // The version is told to whoever connects; that of a future server is what it cannot judge (server.test.ts).
    const blind = await statuses(database, role, 'ALL TABLES IN SCHEMA pg_catalog');
    expect([...blind].filter(([, status]) => status !== 'unknown')).toEqual([['version', 'fine']]);
    const settings = unknownAmong(await statuses(database, role, 'pg_settings'));
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
    const tables = unknownAmong(await statuses(database, role, 'pg_index'));
    expect(tables).toEqual(
      expect.arrayContaining(['freeze-age', 'materialised-view-candidate', 'stale-statistics', 'vacuum-behind']),
    );
  });
});
