import { resolve } from 'node:path';
import type { BackupSettings, RepositorySettings } from '../../../config/index.ts';
import { PitcrewError } from '../../../errors.ts';
import { openRepository, type Repository } from '../repository/index.ts';
import { localStorage, type Storage } from '../storage/index.ts';
import { readIdentities, readPassphrase } from './secret-files.ts';

/**
 * The repositories of a server, in the order of its settings: backups are made in the first. Nothing is asked over a network here: one that cannot
 * be reached says so when it is used.
 * @throws {PitcrewError} `E_CONFIG` for a location that is none; `E_BACKUP_KEY` for a file with keys or a passphrase that cannot be read;
 * `E_MISSING_PACKAGE` without the package that a bucket needs
 */
export function openRepositories({ repositories }: Pick<BackupSettings, 'repositories'>): Promise<Repository[]> {
  return Promise.all(repositories.map(openBySettings));
}

/** One of them. @throws {PitcrewError} likewise */
async function openBySettings(settings: RepositorySettings): Promise<Repository> {
  const { recipients, identityFile, passphraseFile } = settings;
  return openRepository({
    storage: await storageOf(settings),
    recipients,
    identities: identityFile === undefined ? [] : await readIdentities(identityFile),
    passphrase: passphraseFile === undefined ? undefined : await readPassphrase(passphraseFile),
  });
}

async function storageOf({ location }: RepositorySettings): Promise<Storage> {
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(location) ?? [];
  if (scheme === undefined) return localStorage(resolve(location));
  throw new PitcrewError('E_CONFIG', `${location} is no place for backups`, {
    hint: 'Give a folder, or a bucket such as s3://bucket/shop.',
  });
}
