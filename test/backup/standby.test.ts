import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createBackup } from '../../src/ops/backup/create/create-backup.ts';
import { openRepository, partialName } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { planRestore } from '../../src/ops/backup/restore/plan.ts';
import { verify } from '../../src/ops/backup/verify/verify.ts';
import { segmentName, segmentStart } from '../../src/ops/backup/wal/segments.ts';
import { backupServer } from '../support/backup-server.ts';
import { session } from '../support/catalog.ts';
import { temporaryFolder } from '../support/folder.ts';
import { installedServers, scratchReplica } from '../support/postgres.ts';
import { lookAtRestored } from '../support/restored.ts';

const madeBy = 'a test';
const servers = installedServers().filter(({ major }) => major === 15 || major === 18);

describe.each(servers)('of a standby of PostgreSQL $major', (installed) => {
  test('a backup is made, with as much of its last segment as it needs; a promotion is told', async () => {
    const { major } = installed;
    await using folder = temporaryFolder();
    await using server = await backupServer(major);
    // The primary is copied while it is stopped.
    await using replica = await scratchReplica(server, major);
    await using client = await session(server.url());
    await client.query('CREATE TABLE t AS SELECT n FROM generate_series(1, 1000) n');
    await using reader = await session(replica.url());
    const repository = openRepository({ storage: localStorage(join(folder.path, 'repository')) });
    const create = (more: Partial<Parameters<typeof createBackup>[0]> = {}) =>
      createBackup({ url: replica.url(), repository, madeBy, ...more });
    await client.query('INSERT INTO t VALUES (1001)');
    const count = 'SELECT count(*)::int AS count FROM t';
    await expect.poll(async () => (await reader.query(count)).rows).toEqual([{ count: 1001 }]);
    // Nobody writes meanwhile, and nobody ends the segment.
    const backup = await create();
    const { timeline, endLsn, segmentBytes } = backup;
    const last = segmentName(timeline, segmentStart(endLsn, segmentBytes), segmentBytes);
    expect([await repository.hasWal(last), await repository.hasWal(partialName(last))]).toEqual([false, true]);
    expect((await verify(repository)).backups).toMatchObject([{ problems: [] }]);
    const planned = await planRestore({ repository, backup, to: join(folder.path, 'new') });
    expect(planned.obstacles).toEqual([]);
    await lookAtRestored(
      { folder: folder.path, repository, backup, target: { immediate: true } },
      installed,
      async (restored) => {
        expect((await restored.query(count)).rows).toEqual([{ count: 1001 }]);
      },
    );
    // One of the primary brings the whole segment, which is then the one that counts.
    await client.query('INSERT INTO t VALUES (1002)');
    await create({ url: server.url() });
    expect(await repository.hasWal(last)).toBe(true);
    await lookAtRestored({ folder: folder.path, repository, backup }, installed, async (restored) => {
      expect((await restored.query(count)).rows).toEqual([{ count: 1002 }]);
    });
    // More than is ever under way between the server and us: it waits until we take it.
    await client.query(`CREATE TABLE much AS SELECT repeat('x', 1500) AS pad FROM generate_series(1, 20000)`);
    await expect
      .poll(async () => (await reader.query(`SELECT to_regclass('much') IS NOT NULL AS there`)).rows)
      .toEqual([{ there: true }]);
    const before = await repository.backups();
    let promoting: Promise<unknown> | undefined;
    const promoted = create({
      repository: {
        ...repository,
        putFile: async (...file) => {
          await (promoting ??= replica.promote());
          return repository.putFile(...file);
        },
      },
    });
    await expect(promoted).rejects.toMatchObject({ message: expect.stringMatching(/promoted/) });
    expect(await repository.backups()).toEqual(before);
    expect(await repository.running()).toEqual([]);
  });
});
