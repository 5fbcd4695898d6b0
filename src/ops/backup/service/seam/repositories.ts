import { readFile } from 'node:fs/promises';
import { PitcrewError } from '../../../../errors.ts';
import { openRepository, type Repository } from '../../repository/index.ts';
import { localStorage } from '../../storage/index.ts';
import type { BackupSettings } from '../types.ts';

/** Repositories as the settings say: backups are made in the first, the others have copies. */
export async function openRepositories({ repositories }: BackupSettings): Promise<Repository[]> {
  return Promise.all(
    repositories.map(async ({ location, recipients, identityFile }) => {
      if (location.includes('://')) {
        throw new PitcrewError('E_UNSUPPORTED', 'this place for backups is not known', { detail: location });
      }
      const text = identityFile === undefined ? '' : await readFile(identityFile, 'utf8');
      const identities = text.split('\n').filter((line) => line.startsWith('AGE-SECRET-KEY-'));
      return openRepository({ storage: localStorage(location), recipients, identities });
    }),
  );
}
