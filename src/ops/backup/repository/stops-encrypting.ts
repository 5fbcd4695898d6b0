import type { Repository } from './repository.ts';

/**
 * Whether what is stored from now on is for everybody, although the latest backup is encrypted: a recipient may have been forgotten. Asked once the repository is claimed.
 * @throws {PitcrewError} `E_STORAGE`, `E_BACKUP_DAMAGED`
 */
export async function stopsEncrypting(repository: Repository): Promise<boolean> {
  if (repository.recipients.length > 0) return false;
  const latest = (await repository.backups()).at(-1);
  return latest !== undefined && latest.recipients.length > 0;
}
