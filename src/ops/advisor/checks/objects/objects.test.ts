import { describe, expect, test } from 'vitest';
import { ask, counted } from '../../../../../test/support/checks.ts';
import { plainRole, session } from '../../../../../test/support/catalog.ts';
import { scratchReplica, scratchServer, testDatabase, testedMajors } from '../../../../../test/support/postgres.ts';
import { openCheckContext, type OpenCheckContextOptions, runChecks } from '../../index.ts';
import { objectChecks } from './index.ts';

/** A shop as one would wish it: keys, indexes for foreign keys, a partitioned log, names with capitals and umlauts. */
const shop = `
  CREATE SCHEMA "Läden";
  CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mail text NOT NULL UNIQUE, since timestamptz NOT NULL);
  CREATE TABLE "Läden"."Bestellung ""neu""" (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer bigint NOT NULL REFERENCES customers,
    "Straße" text, total numeric(12, 2) NOT NULL, at timestamptz NOT NULL, data jsonb);
  CREATE INDEX ON "Läden"."Bestellung ""neu""" (customer, at);
  CREATE TABLE log (id bigint GENERATED ALWAYS AS IDENTITY, at date NOT NULL, note text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
  CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
  CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
  CREATE INDEX ON log (at);
  CREATE MATERIALIZED VIEW sums AS SELECT customer, sum(total) AS total FROM "Läden"."Bestellung ""neu""" GROUP BY customer;
  INSERT INTO customers (mail, since) SELECT 'c' || i || '@example.com', now() FROM generate_series(1, 20000) i;
  INSERT INTO "Läden"."Bestellung ""neu""" (customer, "Straße", total, at, data)
    SELECT 1 + i * 7919 % 20000, 'Weg ' || i, i % 100, now() - i * interval '1 minute', '{"a": 1}' FROM generate_series(1, 40000) i;
  INSERT INTO log (at, note) SELECT '2024-01-01'::date + i % 700, 'note ' || i FROM generate_series(1, 20000) i;
`;
/** Statements of the application, so that its indexes are in use. */
const use = `
  SET enable_seqscan = off;
  SELECT count(*) FROM "Läden"."Bestellung ""neu""" WHERE customer = 5;
  SELECT count(*) FROM log WHERE at = '2025-03-01';
`;

async function answers(options: OpenCheckContextOptions) {
  await using context = await openCheckContext(options);
  const only = objectChecks.map(({ id }) => id);
  return new Map((await runChecks(context, { only })).map(({ check, answer }) => [check, answer]));
}

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('a healthy database, freshly built: all is fine, and known to be', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE EXTENSION pgstattuple`);
    await counted(database, shop, `VACUUM ANALYZE`, use);
    const all = await answers({ url: database.url, exact: true, thresholds: { bloatFromBytes: 100_000 } });
    expect(all.size).toBe(objectChecks.length);
    for (const [check, answer] of all) {
      expect(answer.status, JSON.stringify(answer)).toBe('fine');
      expect(answer, check).not.toHaveProperty('untold');
    }
    // Without exact answers, only what needs them is not known.
    const quick = await answers({ url: database.url });
    const others = [...quick].filter(([, { status }]) => status !== 'fine').map(([check]) => check);
    expect(others).toEqual(['extended-statistics']);
  });

  test('a role without rights finds nothing that is not there, and is told what it lacks', async () => {
    await using database = await testDatabase(major);
    await counted(database, shop, `VACUUM ANALYZE`, use);
    await using role = await plainRole(database);
    const all = await answers({ url: role.url, thresholds: { bloatFromBytes: 100_000, smallTableRows: 1000 } });
    const unknown = [...all].flatMap(([check, answer]) => (answer.status === 'unknown' ? [{ check, ...answer }] : []));
    expect(unknown.map(({ check }) => check).toSorted()).toEqual([
      'extended-statistics',
      'sequence-exhaustion',
      'statistics-target',
    ]);
    for (const { check, fix } of unknown) expect(fix, check).toBeTruthy();
    expect([...all.values()].filter(({ status }) => status === 'found')).toEqual([]);
    expect(all.get('bloated-table')).toHaveProperty('untold');
  });
});

test('a standby answers, and says what only its primary knows', async () => {
  await using primary = await scratchServer();
  await using client = await session(primary.url());
  await client.query(shop);
  await client.query(`VACUUM ANALYZE`);
  await client.query(`CREATE INDEX again ON customers (mail)`);
  await using replica = await scratchReplica(primary, 18);
  await expect.poll(() => ask(replica.url(), 'duplicate-index')).toMatchObject({ status: 'found' });
  const all = await answers({ url: replica.url(), thresholds: { smallTableRows: 1000 } });
  const unknown = [...all].filter(([, { status }]) => status === 'unknown').map(([check]) => check);
  expect(unknown.toSorted()).toEqual([
    'bloated-index',
    'bloated-table',
    'extended-statistics',
    'stale-statistics',
    'unused-index',
    'vacuum-behind',
  ]);
  expect([...all].filter(([, { status }]) => status === 'found').map(([check]) => check)).toEqual(['duplicate-index']);
});
