import type { BackupSettings, RepositorySettings } from '../../../config/index.ts';
import { openRepository, type Repository, type RepositoryOptions } from '../repository/index.ts';
import { openStorage } from './open-storage.ts';
import { readIdentities, readPassphrase } from './secret-files.ts';

/**
 * The repositories of a server, in the order of its settings: backups are made in the first. Nothing is asked over a network here: one that cannot
 * be reached says so when it is used.
 * @throws {PitcrewError} `E_CONFIG` for a location that is none; `E_BACKUP_KEY` for a file with keys or a passphrase that cannot be read;
 * `E_MISSING_PACKAGE` without the package that a bucket needs
 */
export function openRepositories(
  { repositories }: Pick<BackupSettings, 'repositories'>,
  onNotice?: Notice,
  compression: Compression = {},
): Promise<Repository[]> {
  return Promise.all(repositories.map((settings) => openBySettings(settings, onNotice, compression)));
}

/** How what is stored is compressed. */
type Compression = Pick<RepositoryOptions, 'level' | 'jobs'>;

/** What a service cannot do, and what follows: told once. */
type Notice = ((text: string) => void) | undefined;

async function openBySettings(
  settings: RepositorySettings,
  onNotice: Notice,
  compression: Compression,
): Promise<Repository> {
  const { recipients, identityFile, passphraseFile } = settings;
  return openRepository({
    ...compression,
    storage: await openStorage(settings, onNotice),
    recipients,
    identities: identityFile === undefined ? [] : await readIdentities(identityFile),
    passphrase: passphraseFile === undefined ? undefined : await readPassphrase(passphraseFile),
  });
}
