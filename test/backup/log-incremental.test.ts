import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createBackup } from '../../src/ops/backup/create/create-backup.ts';
import { openRepository } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { planRestore } from '../../src/ops/backup/restore/plan.ts';
import { verify } from '../../src/ops/backup/verify/verify.ts';
import { backupServer } from '../support/backup-server.ts';
import { session } from '../support/catalog.ts';
import { temporaryFolder } from '../support/folder.ts';
import { installedServers } from '../support/postgres.ts';
import { lookAtRestored } from '../support/restored.ts';

const madeBy = 'a test';
const servers = installedServers().filter(({ major }) => major < 17);

describe.each(servers)('PostgreSQL $major', (installed) => {
  test('an incremental backup is the log since the one before, and restored to its end', async () => {
    await using folder = temporaryFolder();
    await using server = await backupServer(installed.major);
    await using client = await session(server.url());
    await client.query(`CREATE ROLE backup LOGIN REPLICATION PASSWORD 'backup'`);
    await client.query('CREATE TABLE t AS SELECT 0 AS n');
    const url = new URL(server.url());
    url.username = url.password = 'backup';
    const repository = openRepository({ storage: localStorage(join(folder.path, 'repository')) });
    const create = (type: 'full' | 'incremental' | 'auto') => createBackup({ url: url.href, repository, madeBy, type });
    const full = await create('full');
    await client.query('INSERT INTO t VALUES (1)');
    const first = await create('incremental');
    expect(first).toMatchObject({ type: 'incremental', parent: full.id, files: [], startLsn: full.endLsn });
    await client.query(`INSERT INTO t VALUES (2)`);
    await client.query('CREATE TABLE later AS SELECT n FROM generate_series(1, 200000) n');
    const second = await create('incremental');
    expect(second).toMatchObject({ parent: first.id, startLsn: first.endLsn });
    // Where a segment has just ended, and nothing was written.
    await client.query('SELECT pg_switch_wal()');
    const third = await create('incremental');
    expect(await repository.running()).toEqual([]);
    await client.query('INSERT INTO t VALUES (3)');
    await create('incremental');
    expect((await verify(repository)).backups.flatMap(({ problems }) => problems)).toEqual([]);
    const asked = { repository, backup: second, to: join(folder.path, 'new'), target: { immediate: true } };
    expect(await planRestore(asked)).toMatchObject({ plan: { backup: { id: full.id } }, obstacles: [] });
    const rows = async (backup: typeof full, immediate?: true): Promise<unknown> => {
      let found: unknown;
      await lookAtRestored(
        { folder: folder.path, repository, backup, target: { immediate } },
        installed,
        async (restored) => {
          found = (await restored.query('SELECT n FROM t ORDER BY n')).rows.map(({ n }) => n as number);
        },
      );
      return found;
    };
    expect(await rows(second, true)).toEqual([0, 1, 2]);
    expect(await rows(third)).toEqual([0, 1, 2, 3]);
    // Once the server has recycled what was written since: it keeps it for backups whose end it has not noticed yet.
    await expect.poll(async () => (await client.query('SELECT 1 FROM pg_replication_slots')).rows).toEqual([]);
    for (let n = 0; n < 2; n += 1) {
      await client.query('INSERT INTO t VALUES (4)');
      await client.query('SELECT pg_switch_wal()');
      await client.query('CHECKPOINT');
    }
    await expect(create('incremental')).rejects.toMatchObject({
      code: 'E_NOT_FOUND',
      message: expect.stringMatching(/^the server does not have all log since \S+-incremental any more$/),
      detail: expect.stringMatching(/[0-9A-F]{24}/),
      hint: expect.stringContaining('backup stream'),
    });
    expect(readdirSync(join(folder.path, 'repository', 'backups'))).toHaveLength(5);
    expect(await create('auto')).toMatchObject({
      type: 'full',
      reason: `PostgreSQL ${installed.major} does not tell which blocks changed`,
    });
  });
});
