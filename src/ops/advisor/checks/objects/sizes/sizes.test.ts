import { describe, expect, test } from 'vitest';
import { watched } from '../../../../../../test/support/catalog.ts';
import { type TestDatabase, testDatabase, testedMajors } from '../../../../../../test/support/postgres.ts';
import { btreeBounds, type PageBounds } from '../../../../sizes/index.ts';
import { readColumnStatistics } from './column-statistics.ts';
import { heapPages } from './heap-size.ts';

const rows = 60_000;

/** Columns by name, each with values of another kind. */
const columns = {
  id: ['int', 'i'],
  big: ['bigint', 'i * 1000'],
  few: ['int', 'i * 7919 % 10'],
  several: ['int', 'i * 7919 % 5000'],
  few_rows: ['int', '(random() * 20000)::int'],
  flag: ['boolean', 'i % 3 = 0'],
  hash: ['text', 'md5(i::text)'],
  word: ['text', `repeat('wort', 1 + (i * 7919 % 30)) || i`],
  kind: ['text', `'kind ' || i * 7919 % 7`],
  long: ['text', `repeat(md5(i::text), 1 + i % 9)`],
  at: ['timestamptz', `'2024-01-01'::timestamptz + i * interval '1 minute'`],
  uuid: ['uuid', 'gen_random_uuid()'],
  price: ['numeric', '(i * 7919 % 100000) / 100.0'],
  maybe: ['int', 'CASE WHEN i % 4 = 0 THEN i END'],
  mostly: ['text', `CASE WHEN i % 10 = 0 THEN NULL ELSE 'note ' || i END`],
  none: ['int', 'NULL::int'],
} as const;

/** Share by which an estimate misses the truth. */
const off = (estimate: number, truth: number): number => Math.abs(estimate / truth - 1);

function expectNear(what: string, estimate: PageBounds, truth: number, within: number): void {
  const said = `${what}: ${estimate.low} … ${estimate.expected} … ${estimate.high}, in truth ${truth}`;
  if (process.env.SHOW) console.log(said, (estimate.expected / truth - 1).toFixed(3));
  expect(off(estimate.expected, truth), said).toBeLessThan(within);
  // Between the bounds, but for the page or two that do not matter, and what a sample of half of the rows tells amiss.
  const slack = 2 + truth / 100;
  expect(estimate.low - slack, said).toBeLessThanOrEqual(truth);
  expect(estimate.high + slack, said).toBeGreaterThanOrEqual(truth);
}

async function pagesOf(database: TestDatabase, name: string): Promise<number> {
  const sql = `SELECT (pg_relation_size($1::regclass) / current_setting('block_size')::int)::int AS pages`;
  return (await database.query<{ pages: number }>(sql, [name]))[0]?.pages ?? 0;
}

async function statisticsOf(database: TestDatabase, table: string) {
  await using target = await watched(database.url);
  const [row] = await database.query<{ oid: number }>(`SELECT $1::regclass::oid AS oid`, [table]);
  return (await readColumnStatistics(target.connection, [row?.oid ?? 0])).get(row?.oid ?? 0) ?? [];
}

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('sizes of B-trees that were just built, with and without deduplication, NULLs and several columns', async () => {
    await using database = await testDatabase(major);
    const select = Object.entries(columns).map(([name, [type, value]]) => `(${value})::${type} AS ${name}`);
    await database.query(`CREATE TABLE t AS SELECT ${select.join(', ')} FROM generate_series(1, ${rows}) i; ANALYZE t`);
    const statistics = new Map((await statisticsOf(database, 't')).map((each) => [each.name, each]));
    const keys: { on: string[]; include?: string[]; within?: number; deduplicates?: boolean }[] = [
      ...Object.keys(columns).map((name) => ({ on: [name], deduplicates: name !== 'price' })),
      { on: ['several', 'id'] },
      { on: ['few', 'flag'] },
      { on: ['kind', 'at'] },
      { on: ['id', 'word'] },
      { on: ['several'], include: ['price', 'flag'] },
    ];
    const pick = (names: readonly string[]) => names.flatMap((name) => statistics.get(name) ?? []);
    for (const { on, include = [], within = 0.08, deduplicates = true } of keys) {
      const including = include.length > 0 ? ` INCLUDE (${include.join(', ')})` : '';
      await database.query(`CREATE INDEX i ON t (${on.join(', ')})${including}`);
      const estimate = btreeBounds({
        rows,
        keys: pick(on),
        included: pick(include),
        joins: deduplicates,
        blockSize: 8192,
        fillFactor: 90,
      });
      expectNear(`${on.join(', ')}${including}`, estimate, await pagesOf(database, 'i'), within);
      await database.query(`DROP INDEX i`);
    }
  });

  test('sizes of tables that were just filled', async () => {
    await using database = await testDatabase(major);
    const names = Object.keys(columns);
    const tables = [
      ['id'],
      ['id', 'flag', 'big'],
      ['word', 'id', 'kind'],
      ['hash', 'at'],
      ['maybe', 'mostly', 'none'],
      ['price', 'long'],
      names,
    ];
    for (const [position, chosen] of tables.entries()) {
      const select = Object.entries(columns)
        .filter(([name]) => chosen.includes(name))
        .map(([name, [type, value]]) => `(${value})::${type} AS ${name}`);
      const name = `t${position}`;
      await database.query(`CREATE TABLE ${name} AS SELECT ${select.join(', ')} FROM generate_series(1, ${rows}) i`);
      await database.query(`ANALYZE ${name}`);
      const estimate = heapPages(rows, await statisticsOf(database, name), { blockSize: 8192, fillFactor: 100 });
      expectNear(chosen.join(', '), estimate, await pagesOf(database, name), 0.06);
    }
  });
});
