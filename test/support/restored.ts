import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { expect } from 'vitest';
import type { BackupRecord, Repository } from '../../src/ops/backup/repository/index.ts';
import { restoreBackup } from '../../src/ops/backup/restore/restore-backup.ts';
import type { RecoveryTarget } from '../../src/ops/backup/restore/target.ts';
import { serverIdentity, startServer } from '../../src/ops/embedded/index.ts';
import { session } from './catalog.ts';
import { type Installed, testSettings } from './postgres.ts';

/**
 * Restores a backup of a repository that is not encrypted, starts a server on it, and looks when it has recovered. `folder` has the repository in `repository`.
 * The log is fetched as somebody would by hand: with `zstd`, and a part of a segment filled up with zeros.
 */
export async function lookAtRestored(
  {
    folder,
    repository,
    backup,
    target,
  }: { folder: string; repository: Repository; backup: BackupRecord; target?: RecoveryTarget },
  { binaries }: Pick<Installed, 'binaries'>,
  look: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const to = join(folder, `restored ${Math.random()}`);
  const script = join(folder, 'fetch');
  const wal = join(folder, 'repository', 'wal', '"$(echo "$1" | cut -c 1-8)"');
  writeFileSync(
    script,
    `f=${wal}/$1
[ -f "$f.zst" ] && exec zstd -dqc "$f.zst" > "$2"
[ -f "$f.partial.zst" ] || exit 44
zstd -dqc "$f.partial.zst" > "$2" && truncate -s 16777216 "$2"
`,
  );
  // Its user has to be able to read the log.
  const owner = serverIdentity(to);
  if (owner) execFileSync('chown', ['-R', `${owner.uid}:${owner.gid}`, join(folder, 'repository')]);
  await restoreBackup({ repository, backup, to, target: target ?? {}, restoreCommand: ['sh', script], owner });
  const server = await startServer({ dataDir: to, binaries, settings: testSettings });
  try {
    await using client = await session(server.url());
    await expect
      .poll(async () => (await client.query('SELECT pg_is_in_recovery() AS still')).rows, { timeout: 60_000 })
      .toEqual([{ still: false }]);
    await look(client);
  } finally {
    await server.stop('immediate');
  }
}
