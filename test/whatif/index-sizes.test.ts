import { expect, test } from 'vitest';
import {
  createIndexStatement,
  type HypotheticalIndex,
  type IndexKey,
  usualSizeError,
} from '../../src/ops/whatif/index.ts';
import { testDatabase } from '../support/postgres.ts';
import { hypothetical, twinOf } from '../support/whatif.ts';

const data = `
  CREATE TABLE data (
    id int, big bigint, few int, flag bool, status text, name text, long_text text, mail text, day date, at timestamptz, uid uuid,
    amount numeric, price numeric(10, 2), f8 float8, some_null int, most_null text, skewed int, code char(8), ip inet, s2 smallint,
    kind text, sort text, tags text[], span int4range, doc jsonb
  );
  INSERT INTO data
  SELECT i, i * 1000::bigint, i % 10, i % 2 = 0, (ARRAY['open', 'paid', 'shipped', 'cancelled'])[1 + (hashtext('s' || i) & 3)],
         'name ' || i * 7919 % 33331, md5(i::text) || md5((i + 1)::text) || repeat('x', i % 40),
         'user' || i || '@example' || i % 50 || '.com', date '2020-01-01' + i % 1500,
         timestamptz '2020-01-01' + i * interval '37 seconds', md5(i::text)::uuid, i * 7919 % 100003 / 7.0, i * 7919 % 1000 / 100.0,
         sqrt(i), CASE WHEN i % 4 <> 0 THEN i END, CASE WHEN i % 20 = 0 THEN 'n' || i END, (5000 * (i % 1000 / 1000.0) ^ 4)::int,
         lpad((i % 3000)::text, 8), ('10.' || i % 250 || '.' || i % 200 || '.1')::inet, i % 30000,
         'k' || i % 40, 's' || i % 40 / 4, ARRAY['a' || i % 17, 'b' || i % 301, 'c' || i % 5003], int4range(i, i + 10),
         jsonb_build_object('id', i, 'kind', 'k' || i % 12, 'user', jsonb_build_object('name', 'user ' || i % 5000, 'vip', i % 9 = 0),
                            'tags', jsonb_build_array('t' || i % 40, 's' || i % 700), 'price', i * 7919 % 10007 / 100.0)
    FROM generate_series(1, 100000) i;
  CREATE STATISTICS data_kinds (ndistinct) ON kind, sort FROM data;
  ANALYZE data;
`;

const alone = `id big few flag status name long_text mail day at uid amount price f8 some_null most_null skewed code ip s2`;

const btrees: readonly { keys: readonly string[]; more?: Partial<HypotheticalIndex> }[] = [
  ...alone.split(' ').map((column) => ({ keys: [column] })),
  { keys: ['lower(name)'] },
  { keys: ['(id % 100)'] },
  { keys: ['upper(mail)'] },
  { keys: [`date_trunc('hour', at AT TIME ZONE 'UTC')`] },
  { keys: ['(amount::int)'] },
  { keys: ['(big::text)'] },
  { keys: ['coalesce(some_null, 0)'] },
  { keys: [`(doc ->> 'kind')`] },
  { keys: [`((doc ->> 'id')::int)`] },
  { keys: ['status', 'lower(mail)'] },
  { keys: ['few', 'id'] },
  { keys: ['status', 'day'] },
  { keys: ['name', 'id'] },
  { keys: ['day', 'name'] },
  { keys: ['some_null', 'most_null'] },
  { keys: ['kind', 'sort'] },
  { keys: ['few', 'status'] },
  { keys: ['id'], more: { include: ['mail'] } },
  { keys: ['few'], more: { include: ['price'] } },
  { keys: ['id'], more: { where: `status = 'open'` } },
  { keys: ['status'], more: { where: 'few < 3' } },
];

const others: readonly [IndexKey, HypotheticalIndex['method']][] = [
  [{ expression: 'name' }, 'hash'],
  [{ expression: 'few' }, 'hash'],
  [{ expression: 'uid' }, 'hash'],
  [{ expression: 'at' }, 'brin'],
  [{ expression: 'span' }, 'gist'],
  [{ expression: 'tags' }, 'gin'],
  [{ expression: 'doc' }, 'gin'],
  [{ expression: 'doc', operatorClass: 'jsonb_path_ops' }, 'gin'],
];

/** Texts whose words are the rarer the more there are of them, and tags alike. */
const texts = `
  CREATE TABLE docs AS
  SELECT *, to_tsvector('simple', body) AS words
    FROM (SELECT i AS id, string_agg(left(md5((hash % 30000 / (1 + k % 17))::text), 4 + k % 7), ' ') AS body,
                 ARRAY['all', 'one of ' || i % 300, 'near ' || i * 7919 % 20011 / 7] AS tags
            FROM generate_series(1, 20000) i
           CROSS JOIN LATERAL (SELECT k, abs(hashint8(i * 1000::int8 + k)) AS hash FROM generate_series(1, 20 + i % 40) k) w
           GROUP BY i) d;
  ANALYZE docs;
`;

test('indexes have the size that was foretold, whatever is in them', async () => {
  await using database = await testDatabase(18);
  await database.query(data);
  await database.query(texts);
  await using made = await twinOf(database.url);
  const errorOf = async (index: HypotheticalIndex): Promise<number> => {
    const predicted = await made.twin.size(index);
    await database.query(createIndexStatement(index, { name: index.id }));
    const [row] = await database.query<{ bytes: number }>(`SELECT pg_relation_size($1)::float8 AS bytes`, [index.id]);
    await database.query(`DROP INDEX ${index.id}`);
    return Math.abs(predicted / (row?.bytes ?? Number.NaN) - 1);
  };
  const errors: number[] = [];
  for (const [position, { keys, more }] of btrees.entries()) {
    const error = await errorOf(hypothetical(`b${position}`, 'data', keys, more));
    expect(error, `${keys.join()} ${JSON.stringify(more)}`).toBeLessThan(0.15);
    errors.push(error);
  }
  expect(errors.toSorted((a, b) => a - b)[Math.floor(errors.length / 2)]).toBeLessThan(0.03);
  for (const [position, [key, method]] of others.entries()) {
    const index = hypothetical(`o${position}`, 'data', [], { keys: [key], method });
    expect(await errorOf(index), `${method} ${key.expression}`).toBeLessThan(usualSizeError(index));
  }
  for (const expression of ['tags', 'words', `to_tsvector('simple'::regconfig, body)`]) {
    const index = hypothetical('docs_gin', 'docs', [], { keys: [{ expression }], method: 'gin' });
    expect(await errorOf(index), expression).toBeLessThan(usualSizeError(index));
  }
});

test('a table that was never analyzed has an index of the size of what the planner takes it for', async () => {
  await using database = await testDatabase(18);
  await database.query('CREATE TABLE raw AS SELECT i AS id, i % 10 AS few FROM generate_series(1, 50000) i');
  await database.query(`UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE relname = 'raw'`);
  await using made = await twinOf(database.url);
  await database.query('CREATE INDEX raw_id ON raw (id)');
  const [row] = await database.query<{ bytes: number }>(`SELECT pg_relation_size('raw_id')::float8 AS bytes`);
  const predicted = await made.twin.size(hypothetical('raw_id_wish', 'raw', ['id']));
  // It has no statistics to tell unique values from a few.
  expect(predicted).toBeGreaterThan((row?.bytes ?? 0) / 5);
  expect(predicted).toBeLessThan((row?.bytes ?? 0) * 2);
});
