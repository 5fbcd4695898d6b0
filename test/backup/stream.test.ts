import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openRepository, type Repository } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { session } from '../support/catalog.ts';
import { temporaryFolder } from '../support/folder.ts';
import { running } from '../support/log-stream.ts';
import { scratchServer } from '../support/postgres.ts';
import { collected } from '../support/streams.ts';

const repositoryIn = (folder: string, name = 'repository'): Repository =>
  openRepository({ storage: localStorage(join(folder, name)) });

describe('first', () => {
  test('works', async () => {
    await using folder = temporaryFolder();
    await using server = await scratchServer(18);
    await using client = await session(server.url());
    const repositories = [repositoryIn(folder.path, 'a'), repositoryIn(folder.path, 'b')];
    await using it = running({
      url: server.url(),
      repositories,
      slot: 'pitcrew_test',
      spoolDir: join(folder.path, 'spool'),
      partialEveryMs: 300,
    });
    await it.saw('connected');
    await client.query('CREATE TABLE t AS SELECT n, repeat(md5(n::text), 20) AS x FROM generate_series(1, 60000) n');
    await client.query('CHECKPOINT');
    const { rows } = await client.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn() AS lsn');
    console.log(rows, (await client.query('SELECT * FROM pg_replication_slots')).rows);
    await expect.poll(() => it.stream.state().repositories.map((r) => r.lagBytes), { timeout: 20000 }).toEqual([0, 0]);
    console.log(JSON.stringify(it.stream.state(), null, 1));
    await it.stop();
    console.log(it.events.map((e) => JSON.stringify(e)).join('\n'));
    for (const r of repositories) console.log(await collected(r.wal()), await r.stream());
    console.log((await client.query('SELECT * FROM pg_replication_slots')).rows);
  });
});
