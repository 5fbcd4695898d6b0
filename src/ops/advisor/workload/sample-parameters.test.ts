import { expect, test } from 'vitest';
import { plainRole, watched } from '../../../../test/support/catalog.ts';
import { testDatabase } from '../../../../test/support/postgres.ts';
import { type ColumnStatistics, type PlaceholderUse, readColumnStatistics, sampleParameters } from './index.ts';

const at = (parameter: number, column: string, operator: string, list = false): PlaceholderUse => {
  return { parameter, schema: 'public', table: 'orders', column, operator, list };
};

const known: Record<string, ColumnStatistics> = {
  status: {
    nullShare: 0,
    common: [
      { value: 'done', share: 0.6 },
      { value: 'open', share: 0.3 },
      { value: 'lost "it"', share: 0.1 },
    ],
    bounds: [],
  },
  customer: {
    nullShare: 0,
    common: [{ value: '1', share: 0.2 }],
    bounds: Array.from({ length: 101 }, (_, index) => String(2 + index * 10)),
  },
};
const statisticsOf = ({ column }: { column: string }): ColumnStatistics | undefined => known[column];

test('values that many rows have, usual ones and rare ones', () => {
  const samples = sampleParameters(2, [at(1, 'customer', '='), at(2, 'status', '=')], statisticsOf);
  expect(samples).toEqual([
    ['1', 'done'],
    ['502', 'done'],
    ['252', 'lost "it"'],
  ]);
});

test('both ends of a range belong together; an open one reaches to its end', () => {
  expect(sampleParameters(2, [at(1, 'customer', '>='), at(2, 'customer', '<')], statisticsOf)).toEqual([
    ['102', '902'],
    ['502', '602'],
    ['952', '962'],
  ]);
  expect(sampleParameters(1, [at(1, 'customer', '>')], statisticsOf)).toEqual([['102'], ['502'], ['952']]);
  expect(sampleParameters(1, [at(1, 'customer', '<')], statisticsOf)).toEqual([['902'], ['502'], ['52']]);
});

test('beginnings for LIKE, array literals for lists, and the same sample once', () => {
  expect(sampleParameters(1, [at(1, 'status', '~~')], statisticsOf)).toEqual([['don%'], ['los%']]);
  expect(sampleParameters(1, [at(1, 'status', '=', true)], statisticsOf)).toEqual([
    [String.raw`{"done","open","lost \"it\""}`],
    [String.raw`{"lost \"it\"","open","done"}`],
  ]);
});

test('none where nothing is known of a placeholder', () => {
  expect(sampleParameters(2, [at(1, 'customer', '=')], statisticsOf)).toEqual([]);
  expect(sampleParameters(1, [at(1, 'note', '=')], statisticsOf)).toEqual([]);
  expect(sampleParameters(1, [at(1, 'customer', '@>')], statisticsOf)).toEqual([]);
  expect(sampleParameters(0, [], statisticsOf)).toEqual([]);
});

test('statistics of real columns, as far as our role may read them', async () => {
  await using database = await testDatabase();
  await database.query(`CREATE TABLE "Bestellungen ä" (id int PRIMARY KEY, "der Stand" text)`);
  await database.query(`
    INSERT INTO "Bestellungen ä"
    SELECT n, CASE WHEN n % 10 = 0 THEN 'a "b", {c}' WHEN n % 10 = 1 THEN NULL ELSE 'done' END FROM generate_series(1, 1000) n`);
  await database.query(`ANALYZE "Bestellungen ä"`);
  const columns = ['id', 'der Stand', 'nicht da'].map((column) => {
    return { schema: 'public', table: 'Bestellungen ä', column };
  });
  await using target = await watched(database.url);
  const statistics = await readColumnStatistics(target.connection, columns);
  expect(statistics.get(0)).toMatchObject({ nullShare: 0, common: [] });
  expect(statistics.get(0)?.bounds.slice(0, 1)).toEqual(['1']);
  expect(statistics.get(1)?.nullShare).toBeCloseTo(0.1, 5);
  expect(statistics.get(1)?.common.map(({ value }) => value)).toEqual(['done', 'a "b", {c}']);
  expect(statistics.has(2)).toBe(false);

  await using role = await plainRole(database);
  await using other = await watched(role.url);
  expect((await readColumnStatistics(other.connection, columns)).size).toBe(0);
});
