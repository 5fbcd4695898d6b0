import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ScratchServer, scratchServer } from '../../../../../test/support/postgres.ts';
import { twinOf } from '../../../../../test/support/whatif.ts';
import { pagesOfTree, treeOfHeight } from './btree.ts';
import { btreeHeight } from './height.ts';
import { blockSize, sealPage } from './page.ts';
import { extendSparsely } from './sparse.ts';

let server: ScratchServer;
let client: pg.Client;

beforeAll(async () => {
  server = await scratchServer(18);
  client = new pg.Client(server.url());
  await client.connect();
  await client.query('CREATE EXTENSION pageinspect; CREATE EXTENSION pg_buffercache');
});

afterAll(async () => {
  await client.end();
  await server.stop('immediate');
});

async function fileOf(relation: string): Promise<string> {
  const { rows } = await client.query<{ file: string }>(`SELECT pg_relation_filepath($1) AS file`, [relation]);
  return rows[0]?.file ?? '';
}

test('pages are sealed as PostgreSQL seals them', async () => {
  await client.query('CREATE TABLE sealed AS SELECT i, md5(i::text) FROM generate_series(1, 2000) i');
  await client.query('CHECKPOINT');
  const file = readFileSync(join(server.dataDir, await fileOf('sealed')));
  let pages = 0;
  for (let block = 0; block * blockSize < file.length; block += 1) {
    const page = Buffer.from(file.subarray(block * blockSize, (block + 1) * blockSize));
    const checksum = page.readUInt16LE(8);
    // Made in advance, and not used yet.
    if (page.every((byte) => byte === 0)) continue;
    pages += 1;
    page.writeUInt16LE(0xdead, 8);
    sealPage(page, block);
    expect(page.readUInt16LE(8)).toBe(checksum);
  }
  expect(pages).toBeGreaterThan(10);
});

test('PostgreSQL reads a tree of any height as an empty one of that height', async () => {
  await client.query('CREATE TABLE tall (id int); CREATE INDEX tall_id ON tall (id)');
  await client.query(`SELECT pg_buffercache_evict_relation('tall_id')`);
  const file = await fileOf('tall_id');
  extendSparsely(server.dataDir, file, 100_000, (first) => treeOfHeight(first, 3));
  expect(pagesOfTree(3)).toBe(5);
  const { rows } = await client.query(`
    SELECT m.level, m.fastlevel, (SELECT array_agg(s.type || s.btpo_level ORDER BY b) FROM generate_series(1, 4) b,
           bt_page_stats('tall_id', b) s) AS pages
      FROM bt_metap('tall_id') m
  `);
  expect(rows).toEqual([{ level: '3', fastlevel: '3', pages: ['r3', 'i2', 'i1', 'l0'] }]);
  await client.query('SET enable_seqscan = off');
  expect((await client.query('SELECT * FROM tall WHERE id BETWEEN 1 AND 5 ORDER BY id DESC')).rows).toEqual([]);
  await client.query('RESET enable_seqscan');
});

test('heights are those of indexes that were built', async () => {
  for (const [rows, key] of [
    [300, 'i'],
    [5000, 'i'],
    [300_000, 'i'],
    [30_000, `md5(i::text) || repeat('x', 300)`],
  ] as const) {
    await client.query(
      `DROP TABLE IF EXISTS built; CREATE TABLE built AS SELECT ${key} AS k FROM generate_series(1, ${rows}) i`,
    );
    await client.query('CREATE INDEX built_k ON built (k)');
    const { rows: found } = await client.query<{ pages: number; level: string }>(
      `SELECT (pg_relation_size('built_k') / 8192)::int AS pages, m.level FROM bt_metap('built_k') m`,
    );
    expect([rows, btreeHeight(found[0]?.pages ?? 0, key === 'i' ? 4 : 336)]).toEqual([rows, Number(found[0]?.level)]);
  }
});

test('a table of many gigabytes takes no room and no time', async () => {
  await client.query(`
    CREATE TABLE huge (id int PRIMARY KEY, n int);
    INSERT INTO huge SELECT i, i % 1000 FROM generate_series(1, 30000) i;
    ANALYZE huge;
  `);
  await client.query(`SELECT pg_restore_relation_stats('schemaname', 'public', 'relname', 'huge',
                             'relpages', 400000, 'reltuples', 7e7::real, 'relallvisible', 0)`);
  await client.query('CHECKPOINT');
  extendSparsely(server.dataDir, await fileOf('huge'), 400_000);
  await using made = await twinOf(server.url());
  const text = 'SELECT count(*) FROM huge WHERE n = 7';
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: { 'Total Cost': number } }] }>(
    `EXPLAIN (FORMAT JSON) ${text}`,
  );
  const before = await made.twin.plan({ text });
  expect(before.cost).toBe(rows[0]?.['QUERY PLAN'][0].Plan['Total Cost']);
  const index = {
    id: 'huge_n',
    schema: 'public',
    table: 'huge',
    method: 'btree' as const,
    keys: [{ expression: 'n' }],
    include: [],
  };
  expect(await made.twin.size(index)).toBeGreaterThan(400e6);
  const after = await made.twin.plan({ text }, { add: [index] });
  expect(after.uses).toEqual(['huge_n']);
  expect(after.cost).toBeLessThan(before.cost / 2);
});
