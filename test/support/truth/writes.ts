import { oneOf, type Random } from './random.ts';
import { accounts, dayOf, days, docs, popular, regions, sensors, slugOf, tokenOf } from './schema.ts';

/** The statements of one transaction, without what begins and ends it. */
export function writesOf(random: Random): string[] {
  return Array.from({ length: 1 + random(3) }, () => writeOf(random));
}

/** One transaction of a client that has never heard of a cache, as one text. */
export function transactionOf(random: Random): string {
  const writes = writesOf(random);
  if (random(3) === 0) return writes[0] ?? '';
  const middle = random(3) === 0 ? ['SAVEPOINT s', writeOf(random), oneOf(random, ['ROLLBACK TO s', 'RELEASE s'])] : [];
  return ['BEGIN', ...writes, ...middle, random(8) ? 'COMMIT' : 'ROLLBACK'].join('; ');
}

const writes: readonly ((random: Random, id: number) => string)[] = [
  (random, id) => `UPDATE accounts SET balance = balance + ${1 + random(9)} - 5 WHERE id = ${id}`,
  (random, id) => `UPDATE accounts SET balance = ${90 + random(30)} WHERE id = ${id}`,
  (_, id) => `UPDATE accounts SET active = NOT active WHERE id = ${id}`,
  (random) => `UPDATE accounts SET balance = balance + 1 WHERE region = ${random(regions)}`,
  (_, id) => `DELETE FROM accounts WHERE id = ${id}`,
  (random, id) =>
    `INSERT INTO accounts VALUES (${id}, ${random(regions)}, 50, 'account ${id}') ON CONFLICT (id) DO NOTHING`,
  (random, id) =>
    `INSERT INTO accounts VALUES (${id}, ${random(regions)}, 50, 'account ${id}') ON CONFLICT (id) DO UPDATE SET balance = accounts.balance + 3, region = EXCLUDED.region`,
  // The key itself changes, and with it that of its items.
  (_, id) => `UPDATE accounts SET id = ${id} + 1000 WHERE id = ${id}`,
  (_, id) =>
    `UPDATE accounts SET id = ${id} WHERE id = ${id} + 1000 AND NOT EXISTS (SELECT FROM accounts WHERE id = ${id})`,
  (_, id) => `UPDATE items SET note = md5(random()::text) WHERE account = ${id}`,
  (random, id) =>
    `INSERT INTO items SELECT id, ${1 + random(3)}, 'again' FROM accounts WHERE id = ${id} ON CONFLICT DO NOTHING`,
  (random, id) => `DELETE FROM items WHERE account = ${id} AND line = ${1 + random(3)}`,
  (random) => `UPDATE docs SET rank = rank + 0.5, at = now() WHERE slug = '${slugOf(random(docs))}'`,
  (random) => `DELETE FROM docs WHERE slug = '${slugOf(random(docs))}'`,
  (random) =>
    `INSERT INTO docs VALUES ('${slugOf(random(docs))}', md5(random()::text), ${random(docs)}, now()) ON CONFLICT (slug) DO UPDATE SET body = EXCLUDED.body, rank = EXCLUDED.rank`,
  (random, id) => `UPDATE tokens SET account = ${id}, data = '{"n": ${random(9)}}' WHERE id = '${tokenOf(random(30))}'`,
  (random) =>
    `UPDATE measures SET value = value + 1 WHERE day = '${dayOf(random(days))}' AND sensor = ${1 + random(sensors)}`,
  // Moves between partitions.
  (random) =>
    `INSERT INTO measures SELECT '${dayOf(random(days))}', ${1 + random(sensors)}, 5 ON CONFLICT (day, sensor) DO UPDATE SET value = measures.value * 2 - 3`,
  (random) => {
    const [from, to, sensor] = [dayOf(random(days)), dayOf(random(days)), 1 + random(sensors)];
    return `UPDATE measures SET day = '${to}' WHERE day = '${from}' AND sensor = ${sensor} AND NOT EXISTS (SELECT FROM measures WHERE day = '${to}' AND sensor = ${sensor})`;
  },
  (random) => `DELETE FROM measures WHERE day = '${dayOf(random(days))}' AND sensor = ${1 + random(sensors)}`,
  (random, id) =>
    `WITH gone AS (DELETE FROM items WHERE account = ${id} RETURNING line) UPDATE accounts SET balance = balance + (SELECT count(*) FROM gone) WHERE region = ${random(regions)}`,
];
const rare: readonly string[] = [
  'TRUNCATE items',
  'TRUNCATE measures_2',
  'TRUNCATE edits',
  `INSERT INTO items SELECT id, 1, 'refilled' FROM accounts ON CONFLICT DO NOTHING`,
  `INSERT INTO measures SELECT day, sensor, 7 FROM generate_series(date '2026-02-01', date '2026-02-20', '5 days') day, generate_series(1, ${sensors}) sensor ON CONFLICT DO NOTHING`,
];

function writeOf(random: Random): string {
  if (random(60) === 0) return oneOf(random, rare);
  return oneOf(random, writes)(random, 1 + random(random(2) ? popular : accounts));
}

let made = 0;

/** Changes of definitions: each leaves all questions with an answer. */
export function definitionOf(random: Random): string {
  made += 1;
  return oneOf(random, [
    () => `CREATE OR REPLACE VIEW rich AS SELECT id, balance FROM accounts WHERE balance > ${90 + random(20)}`,
    () =>
      `CREATE OR REPLACE FUNCTION fee(amount int) RETURNS int LANGUAGE sql IMMUTABLE RETURN amount / ${1 + random(20)}`,
    () => `ALTER TABLE accounts ADD COLUMN extra_${made} int DEFAULT ${random(9)}`,
    () =>
      `BEGIN; ALTER TABLE docs RENAME TO docs_other; ALTER TABLE docs_before RENAME TO docs; ALTER TABLE docs_other RENAME TO docs_before; COMMIT`,
    () =>
      `CREATE TABLE measures_of_${made} PARTITION OF measures FOR VALUES FROM ('2027-01-01') TO ('2027-02-01'); INSERT INTO measures VALUES ('2027-01-05', 1, ${random(9)}); DROP TABLE measures_of_${made}`,
    () =>
      `ALTER TABLE accounts REPLICA IDENTITY ${oneOf(random, ['FULL', 'DEFAULT', 'USING INDEX accounts_name_key'])}`,
    () => `ALTER TABLE docs REPLICA IDENTITY ${oneOf(random, ['FULL', 'DEFAULT'])}`,
    () => `CREATE INDEX ON items (note)`,
    () =>
      `ALTER TABLE measures DETACH PARTITION measures_1; UPDATE measures_1 SET value = value + 1; ALTER TABLE measures ATTACH PARTITION measures_1 FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')`,
    () => `ALTER TABLE tokens ALTER COLUMN data SET DEFAULT '{}'`,
    () => `COMMENT ON TABLE accounts IS 'made ${made}'`,
  ])();
}
