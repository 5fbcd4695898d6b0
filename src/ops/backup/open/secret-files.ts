import { readFile } from 'node:fs/promises';
import { messageOf, PitcrewError } from '../../../errors.ts';
import type { Identities } from '../age/index.ts';

/**
 * Secret keys of age: the lines of a file that begin so; all others are comments.
 * @throws {PitcrewError} `E_BACKUP_KEY` when it cannot be read, or has none
 */
export async function readIdentities(file: string): Promise<Identities> {
  const keys = (await read(file, 'the file with the secret keys'))
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('AGE-SECRET-KEY-'));
  if (keys.length > 0) return keys;
  throw new PitcrewError('E_BACKUP_KEY', `${file} has no secret key of age in it`, {
    hint: '"age-keygen -o FILE" makes one; lines begin with AGE-SECRET-KEY-1.',
  });
}

/**
 * A passphrase: the first line of a file.
 * @throws {PitcrewError} `E_BACKUP_KEY` when it cannot be read, or has none
 */
export async function readPassphrase(file: string): Promise<string> {
  const [passphrase = ''] = (await read(file, 'the file with the passphrase')).split(/\r?\n/);
  if (passphrase !== '') return passphrase;
  throw new PitcrewError('E_BACKUP_KEY', `${file} has no passphrase in it`, { hint: 'It is the first line.' });
}

async function read(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new PitcrewError('E_BACKUP_KEY', `${what} cannot be read`, { detail: messageOf(error), cause: error });
  }
}
