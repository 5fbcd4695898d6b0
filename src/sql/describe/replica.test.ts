import pg from 'pg';
import { expect, test } from 'vitest';
import { scratchReplica, scratchServer } from '../../../test/support/postgres.ts';
import { describe, loadParser } from './index.ts';

const texts = [
  'SELECT a, row_number() OVER (ORDER BY a) FROM t TABLESAMPLE SYSTEM (100)',
  'WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x WHERE n < 9) SELECT count(*) FROM x',
  'SELECT random(), gen_random_uuid(), uuidv7(), clock_timestamp(), timeofday(), pg_sleep(0), current_query()',
  `SELECT pg_relation_size('t'), pg_total_relation_size('t'), pg_table_size('t'), pg_indexes_size('t')`,
  `SELECT pg_database_size(current_database()), pg_tablespace_size('pg_default'), pg_blocking_pids(1), pg_jit_available()`,
  'SELECT pg_is_in_recovery(), pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(), pg_last_xact_replay_timestamp()',
  `SELECT pg_current_snapshot(), txid_current_if_assigned(), current_schemas(true), pg_partition_tree('t')`,
  `SELECT array_shuffle(ARRAY[1]), array_sample(ARRAY[1], 1), random_normal(), table_to_xml('t', true, true, '')`,
  'SHOW work_mem',
  'VALUES (1)',
  'EXPLAIN INSERT INTO t VALUES (1)',
  'EXPLAIN DELETE FROM t',
  'EXPLAIN SELECT a FROM t FOR UPDATE',
  'EXPLAIN MERGE INTO t USING t u ON true WHEN MATCHED THEN DELETE',
  'EXPLAIN CREATE TABLE u AS SELECT a FROM t',
  `EXPLAIN SELECT nextval('s')`,
  'EXPLAIN ANALYZE SELECT a FROM t',
];

async function connected(url: string): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client(url);
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

test('what is called read-only runs on a replica', async () => {
  await loadParser();
  expect(texts.filter((text) => !describe(text).readOnly)).toEqual([]);
  await using primary = await scratchServer(18);
  await using replica = await scratchReplica(primary, 18);
  await using writer = await connected(primary.url());
  await writer.query('CREATE TABLE t (a int); CREATE SEQUENCE s; INSERT INTO t VALUES (1)');
  await using reader = await connected(replica.url());
  const replayed = async (): Promise<unknown> => (await reader.query(`SELECT to_regclass('t') AS t`)).rows;
  await expect.poll(replayed).toEqual([{ t: 't' }]);
  for (const text of texts) await expect(reader.query(text), text).resolves.toBeDefined();
});
