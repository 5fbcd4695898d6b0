import type { RepositorySettings } from '../../../config/index.ts';
import { PitcrewError } from '../../../errors.ts';
import type { Identities } from '../age/index.ts';
import { readIdentities, readPassphrase } from '../open/secret-files.ts';
import { openStorage } from '../open/open-storage.ts';
import { repositoryKey } from '../repository/layout.ts';
import { type LogContent, logContent } from '../repository/log-content.ts';
import { readRecord } from '../repository/record-file.ts';

/** The log of a repository, to be read, and whose it is. */
export interface FetchedLog extends LogContent {
  record(): Promise<{ systemId: string } | undefined>;
}

/** Opens the log of a repository, and nothing else of it. @throws {PitcrewError} as `openRepositories` */
export async function openLog(settings: RepositorySettings, onNotice?: (text: string) => void): Promise<FetchedLog> {
  const { identityFile, passphraseFile } = settings;
  const storage = await openStorage(settings, onNotice);
  const given = identityFile === undefined ? [] : await readIdentities(identityFile);
  const passphrase = passphraseFile === undefined ? undefined : await readPassphrase(passphraseFile);
  async function identities(): Promise<Identities> {
    if (passphrase === undefined) return given;
    const { openKeyring } = await import('../keys/index.ts');
    return openKeyring({ storage, recipients: [], identities: given, passphrase }).identities();
  }
  return { ...logContent(storage, identities), record: () => readRecord(storage, repositoryKey, ownerRecord) };
}

/** Whose it is, of what the repository says of itself. */
const ownerRecord = {
  parse(value: unknown): { systemId: string } {
    const { systemId } = value as { systemId?: unknown };
    if (typeof systemId === 'string') return { systemId };
    throw new PitcrewError('E_BACKUP_DAMAGED', 'it does not say whose it is');
  },
};
