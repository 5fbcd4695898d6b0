import type { PhysicalConnection } from '../../../engine/postgres/replication/physical/index.ts';
import { PitcrewError } from '../../../errors.ts';
import type { BackupRecord, Repository } from '../repository/index.ts';

/**
 * Which backup the next one is to build on: the latest that is there.
 * @throws {PitcrewError} `E_UNSUPPORTED` before PostgreSQL 17, and where the server does not keep track of what changes; `E_NOT_FOUND` when there is no
 * backup yet
 */
export async function findParent(base: PhysicalConnection, repository: Repository): Promise<BackupRecord> {
  if (base.version < 170_000) {
    throw new PitcrewError('E_UNSUPPORTED', 'this server makes no incremental backups', {
      detail: `It is PostgreSQL ${Math.floor(base.version / 10_000)}; 17 is the first that does.`,
      hint: 'Make a full one: --type full.',
    });
  }
  if ((await base.show('summarize_wal')) !== 'on') {
    throw new PitcrewError('E_UNSUPPORTED', 'the server does not keep track of what changes', {
      detail: 'Its setting summarize_wal is off.',
      hint: 'ALTER SYSTEM SET summarize_wal = on, then SELECT pg_reload_conf(); and make a full backup after that.',
    });
  }
  const parent = (await repository.backups()).at(-1);
  if (!parent) {
    throw new PitcrewError('E_NOT_FOUND', 'there is no backup to build on', { hint: 'Make a full one first.' });
  }
  return parent;
}
