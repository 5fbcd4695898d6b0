import type { BackupRecord, Repository } from '../repository/index.ts';
import type { RecoveryTarget } from './target.ts';

/**
 * What a backup that is only log stands for: the one whose files it goes back to, recovered to its end at least. Others stand for themselves.
 * @throws {PitcrewError} `E_BACKUP_DAMAGED` when that is missing
 */
export async function withFiles(
  repository: Repository,
  backup: BackupRecord,
  target: RecoveryTarget = {},
): Promise<{ backup: BackupRecord; target: RecoveryTarget }> {
  const found = (await repository.chain(backup)).findLast(({ files }) => files.length > 0);
  if (!found || found.id === backup.id) return { backup, target };
  return { backup: found, target: target.immediate ? { ...target, immediate: undefined, lsn: backup.endLsn } : target };
}
