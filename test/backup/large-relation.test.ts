import { execFileSync } from 'node:child_process';
import { statfsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { createBackup } from '../../src/ops/backup/create/create-backup.ts';
import { openRepository } from '../../src/ops/backup/repository/index.ts';
import { restoreBackup } from '../../src/ops/backup/restore/restore-backup.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { serverIdentity, startServer } from '../../src/ops/embedded/index.ts';
import { backupServer } from '../support/backup-server.ts';
import { session } from '../support/catalog.ts';
import { temporaryFolder } from '../support/folder.ts';
import { type ScratchServer, testSettings } from '../support/postgres.ts';

const neededBytes = 5 * 1024 ** 3;
const { bavail, bsize } = statfsSync(tmpdir());
const hasRoom = Math.min(bavail * bsize, process.availableMemory()) > neededBytes;
const content = `
  SELECT count(*)::int AS count, sum(hashint4(n)) AS numbers, md5(string_agg(DISTINCT left(pad, 3), ',')) AS pads
  FROM large`;

/** Makes a table of two files. @returns the path of the first, below the data directory */
async function grown(server: ScratchServer): Promise<string> {
  let path = '';
  // One row to a page: 131,072 pages are a file.
  await insert(server, 1, 100, async (client) => {
    await client.query(`CREATE TABLE large (n int, pad text STORAGE PLAIN) WITH (fillfactor = 10)`);
    const { rows } = await client.query<{ path: string }>(`SELECT pg_relation_filepath('large') AS path`);
    path = rows[0]?.path ?? '';
  });
  // Pages without anything in them are pages all the same, and need not be written one by one.
  for (const [first, last] of [
    [100_000, 100_100],
    [130_000, 136_000],
  ] as const) {
    await server.whileStopped(async () => truncateSync(join(server.dataDir, path), (first - 1) * 8192));
    await insert(server, first, last);
  }
  return path;
}

async function insert(
  server: ScratchServer,
  first: number,
  last: number,
  before: (client: pg.Client) => Promise<void> = async () => {},
): Promise<void> {
  await using client = await session(server.url());
  await before(client);
  await client.query(`INSERT INTO large SELECT n, 'one' || repeat('x', 500) FROM generate_series($1::int, $2::int) n`, [
    first,
    last,
  ]);
}

test.skipIf(!hasRoom)(
  'a relation of several files is restored from a chain (there have to be 5 GiB of room)',
  async () => {
    await using folder = temporaryFolder();
    await using server = await backupServer(18, { summarize_wal: 'on' });
    const path = await grown(server);
    await using client = await session(server.url());
    const store = join(folder.path, 'repository');
    const repository = openRepository({ storage: localStorage(store) });
    const url = server.url();
    await createBackup({ url, repository, madeBy: 'a test' });
    // Blocks of both files change, and the second one is made shorter.
    await client.query(
      `UPDATE large SET pad = 'two' || repeat('y', 500) WHERE n IN (7, 100000, 131071, 131073, 133000)`,
    );
    await client.query('DELETE FROM large WHERE n > 134000');
    await client.query('VACUUM large');
    const backup = await createBackup({ url, repository, madeBy: 'a test', type: 'incremental' });
    expect(backup.type).toBe('incremental');
    const expected = (await client.query(content)).rows;
    const to = join(folder.path, 'restored');
    execFileSync('chown', ['-R', `--reference=${server.dataDir}`, store]);
    const fetch = join(folder.path, 'fetch');
    const from = join(store, 'wal', '00000001');
    writeFileSync(fetch, `[ -f "${from}/$1.zst" ] || exit 44\nexec zstd -dqc "${from}/$1.zst" > "$2"\n`);
    const target = { immediate: true };
    await restoreBackup({ repository, backup, to, target, restoreCommand: ['sh', fetch], owner: serverIdentity(to) });
    expect(statSync(join(to, path)).size).toBe(1024 ** 3);
    expect(statSync(join(to, `${path}.1`)).size).toBeGreaterThan(0);
    const restored = await startServer({ dataDir: to, settings: testSettings });
    try {
      await using reader = await session(restored.url());
      await expect
        .poll(async () => (await reader.query('SELECT pg_is_in_recovery() AS still')).rows)
        .toEqual([{ still: false }]);
      expect((await reader.query(content)).rows).toEqual(expected);
    } finally {
      await restored.stop('immediate');
    }
  },
);
