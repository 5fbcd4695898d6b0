import { PitcrewError } from '../../../errors.ts';
import { checkRecipients } from '../age/index.ts';
import type { Storage } from '../storage/index.ts';
import { makeKey, openedKeys, retireKey, sealKey, storedKeys, useKey } from './stored-keys.ts';

/** Has everything stored for these public keys as well, from now on. @throws {PitcrewError} `E_BACKUP_KEY` for one that is none */
export async function addKeys(storage: Storage, recipients: readonly string[]): Promise<void> {
  await checkRecipients(recipients);
  for (const recipient of recipients) await useKey(storage, recipient);
}

/**
 * Has nothing stored for a public key any more. What was stored before can still be read with it.
 * @throws {PitcrewError} `E_NOT_FOUND` when nothing is stored for it; `E_UNSAFE` when it is the last: all would be stored unencrypted then
 */
export async function removeKey(storage: Storage, recipient: string, options: { evenLast: boolean }): Promise<void> {
  const used = (await storedKeys(storage)).filter(({ isUsed }) => isUsed);
  if (!used.some((key) => key.recipient === recipient)) {
    throw new PitcrewError('E_NOT_FOUND', `${storage.name} stores nothing for that key`, { detail: recipient });
  }
  if (used.length === 1 && !options.evenLast) {
    throw new PitcrewError('E_UNSAFE', 'this is the last key', {
      detail: `Without it, what is stored in ${storage.name} is not encrypted.`,
      hint: 'Add another key first, or give --yes.',
    });
  }
  await retireKey(storage, recipient);
}

/**
 * Makes a new key that the passphrase opens, and stores nothing for those before it that it opens. They stay, for what was stored until now.
 * @returns the new key's public part
 * @throws {PitcrewError} `E_BACKUP_KEY` when there are such keys, and the passphrase opens none
 */
export async function rotateKey(storage: Storage, passphrase: string): Promise<string> {
  const old = await openedKeys(storage, passphrase);
  const { recipient } = await makeKey(storage, passphrase);
  for (const { key } of old) if (key.isUsed) await retireKey(storage, key.recipient);
  return recipient;
}

/**
 * Has another passphrase open the keys that this one opens. Nothing else is stored anew. Whoever is killed in between does it again.
 * @returns how many keys
 * @throws {PitcrewError} `E_BACKUP_KEY` when it opens none
 */
export async function changePassphrase(storage: Storage, passphrase: string, next: string): Promise<number> {
  const opened = await openedKeys(storage, passphrase);
  if (opened.length === 0) {
    throw new PitcrewError('E_BACKUP_KEY', `${storage.name} has no key that a passphrase opens`, {
      hint: '"pitcrew backup key add --passphrase-file FILE" makes one.',
    });
  }
  for (const { key, identity } of opened) await sealKey(storage, { recipient: key.recipient, identity }, next);
  return opened.length;
}
