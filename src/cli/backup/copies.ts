import { toPitcrewError } from '../../errors.ts';
import type { BackupRecord, Behind, Repository } from '../../ops/backup/index.ts';
import { counted } from '../../ops/words/index.ts';
import { paint } from '../output.ts';

/** How another repository of the config file is. */
export interface CopyState {
  repository: string;
  /** How many it has; `null` when it could not be looked at. */
  backups: number | null;
  /** What it lacks of the first; `null`: nothing, or not known. */
  behind: Behind | null;
  /** Why it could not be looked at. */
  error: string | null;
}

/** Who asks at a terminal does not wait longer for a place that hangs. */
const patienceMs = 15_000;

/** Looks what the copies lack of the backups of the first repository. */
export async function lookAtCopies(made: readonly BackupRecord[], others: readonly Repository[]): Promise<CopyState[]> {
  const { behindOf, inTime } = await import('../../ops/backup/index.ts');
  return Promise.all(
    others.map(async (repository): Promise<CopyState> => {
      const { name } = repository;
      try {
        const there = await inTime(repository.backups(), name, patienceMs);
        return { repository: name, backups: there.length, behind: behindOf(made, there) ?? null, error: null };
      } catch (error) {
        return { repository: name, backups: null, behind: null, error: toPitcrewError(error).message };
      }
    }),
  );
}

/** In words. */
export function copyLine({ repository, behind, error }: CopyState): string {
  if (error !== null) return `${paint('yellow', 'Copy:')} ${repository} cannot be looked at: ${error}`;
  if (!behind) return `Copy: ${repository} lacks nothing.`;
  const { backups, since } = behind;
  return `${paint('yellow', 'Copy:')} ${repository} is ${counted(backups, 'backup')} behind, since ${since.toISOString().slice(0, 16).replace('T', ' ')} UTC. "pitcrew backup copy" catches up.`;
}
