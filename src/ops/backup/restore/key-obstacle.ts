import type { Buffer } from 'node:buffer';
import { PitcrewError } from '../../../errors.ts';
import { storedKeys } from '../keys/index.ts';
import { type BackupRecord, partialName, type Repository, type StoredFile } from '../repository/index.ts';

/**
 * Looks whether the keys that are given open all that a restore reads: each backup of a chain may be for others, after keys were changed. Of each only the
 * beginning is read.
 * @param segments of the log that are read, by their names: those that are not there are not looked at
 * @returns what cannot be opened, with the keys that would; `undefined` when all can be
 * @throws {PitcrewError} `E_STORAGE`, `E_BACKUP_DAMAGED`
 */
export async function keyObstacle(
  repository: Repository,
  chain: readonly BackupRecord[],
  segments: readonly string[] = [],
): Promise<PitcrewError | undefined> {
  const sealed = chain.flatMap((backup) =>
    backup.files
      .filter(isSealed)
      .slice(0, 1)
      .map((file) => ({ backup, file })),
  );
  let given: readonly string[];
  try {
    given = sealed.length === 0 && segments.length === 0 ? [] : await repository.identities();
  } catch (error) {
    // The passphrase opens nothing here.
    if (error instanceof PitcrewError && error.code === 'E_BACKUP_KEY') return error;
    throw error;
  }
  const locked: BackupRecord[] = [];
  for (const { backup, file } of sealed) if (await isLocked(repository.readFile(file))) locked.push(backup);
  const log: string[] = [];
  for (const name of segments) {
    const content = (await repository.readWal(name)) ?? (await repository.readWal(partialName(name)));
    if (content && (await isLocked(content))) log.push(name);
  }
  if (locked.length + log.length === 0) return undefined;
  const byPassphrase = new Set(
    (await storedKeys(repository.storage)).flatMap((key) => (key.isSealed ? [key.recipient] : [])),
  );
  const lines = locked.map(
    ({ id, recipients }) => `${id} needs the secret key of ${keysText(recipients, byPassphrase)}`,
  );
  if (log.length > 0) lines.push(`segments of the log that cannot be opened: ${log.join(', ')}`);
  return new PitcrewError('E_BACKUP_KEY', titleOf(locked, chain, given), {
    detail: `${lines.join('; ')}.`,
    hint: hintOf(locked.some(({ recipients }) => recipients.some((key) => byPassphrase.has(key)))),
  });
}

const isSealed = ({ key, name }: StoredFile): boolean => key.endsWith('.age') && name.endsWith('.tar');

async function isLocked(content: AsyncIterable<Buffer>): Promise<boolean> {
  try {
    for await (const piece of content) if (piece.length > 0) break;
    return false;
  } catch (error) {
    // What is damaged, or away, is told by who reads it.
    return error instanceof PitcrewError && error.code === 'E_BACKUP_KEY';
  }
}

function titleOf(locked: readonly BackupRecord[], chain: readonly BackupRecord[], given: readonly string[]): string {
  const [first] = locked;
  const by = given.length === 0 ? 'without a key' : 'with the keys that are given';
  if (!first) return `log that is needed cannot be opened ${by}`;
  if (chain.length === 1) return `backup ${first.id} cannot be opened ${by}`;
  return `${locked.length} of the ${chain.length} backups that are needed cannot be opened ${by}`;
}

const keysText = (recipients: readonly string[], byPassphrase: ReadonlySet<string>): string =>
  recipients.map((key) => (byPassphrase.has(key) ? `${key} (opened by its own passphrase)` : key)).join(' or ');

const hintOf = (hasSealed: boolean): string =>
  hasSealed
    ? 'Give its passphrase. Where each opens a part only: "pitcrew backup key passphrase" has one open the keys of another; or "age -d" opens a file of keys/, for --identity.'
    : 'Give a file that has all of these secret keys: --identity.';
