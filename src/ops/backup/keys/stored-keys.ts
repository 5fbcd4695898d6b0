import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { PitcrewError } from '../../../errors.ts';
import { openByPassphrase, sealByPassphrase } from '../age/index.ts';
import { keyRecordKey, keysPrefix, sealedKeyKey } from '../repository/layout.ts';
import { recordText, storeText } from '../repository/record-file.ts';
import { keyRecord } from '../repository/records.ts';
import type { Storage } from '../storage/index.ts';

/** A key that a repository knows. */
export interface StoredKey {
  /** Its public part: `age1…`. */
  recipient: string;
  /** Whether what is stored from now on can be read with it. */
  isUsed: boolean;
  /** Whether the repository has its secret part, which a passphrase opens. */
  isSealed: boolean;
}

/** More are never made; a listing that has more is not one of ours. */
const most = 1000;

/** All keys that a repository knows, by their public parts. */
export async function storedKeys(storage: Storage): Promise<StoredKey[]> {
  const found = new Map<string, StoredKey>();
  for await (const { key } of storage.list(keysPrefix)) {
    const [, recipient, kind] = /^keys\/(age1[02-9ac-hj-np-z]{58})\.(json|age)$/.exec(key) ?? [];
    if (recipient === undefined || found.size >= most) continue;
    const known = found.get(recipient) ?? { recipient, isUsed: false, isSealed: false };
    found.set(recipient, kind === 'json' ? { ...known, isUsed: true } : { ...known, isSealed: true });
  }
  return [...found.values()];
}

/** From now on everything is stored for this public key as well. */
export async function useKey(storage: Storage, recipient: string): Promise<void> {
  const record = { format: 1 as const, recipient, addedAt: new Date() };
  await storeText(storage, keyRecordKey(recipient), recordText(keyRecord, record));
}

/** What is stored from now on cannot be read with this key; what was stored before still can. */
export async function retireKey(storage: Storage, recipient: string): Promise<void> {
  await storage.delete(keyRecordKey(recipient));
}

/** A new key, whose secret part the repository keeps for whoever knows the passphrase. */
export async function makeKey(storage: Storage, passphrase: string): Promise<{ recipient: string; identity: string }> {
  const { generateX25519Identity, identityToRecipient } = await import('age-encryption');
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  await sealKey(storage, { recipient, identity }, passphrase);
  // Only now: nothing may be stored for a key that can be lost.
  await useKey(storage, recipient);
  return { recipient, identity };
}

/** Keeps the secret part of a key for whoever knows the passphrase; another passphrase does not open it any more. */
export async function sealKey(
  storage: Storage,
  { recipient, identity }: { recipient: string; identity: string },
  passphrase: string,
): Promise<void> {
  const text = `# public key: ${recipient}\n${identity}\n`;
  await storage.put(sealedKeyKey(recipient), Readable.from([await sealByPassphrase(text, passphrase)]));
}

/**
 * The secret part of a key; `undefined` when another passphrase opens it.
 * @throws {PitcrewError} `E_BACKUP_DAMAGED` when it is not what its name says
 */
async function openKey(storage: Storage, recipient: string, passphrase: string): Promise<string | undefined> {
  const text = await openByPassphrase(await buffer(storage.get(sealedKeyKey(recipient))), passphrase);
  if (text === undefined) return undefined;
  const { identityToRecipient } = await import('age-encryption');
  const identity = text.split('\n').find((line) => line.startsWith('AGE-SECRET-KEY-')) ?? '';
  const isIt = await identityToRecipient(identity).then(
    (found) => found === recipient,
    () => false,
  );
  if (isIt) return identity;
  throw new PitcrewError('E_BACKUP_DAMAGED', 'a key of the repository is not what its name says', {
    detail: `${sealedKeyKey(recipient)} in ${storage.name}.`,
  });
}

/**
 * The keys that a passphrase opens, with their secret parts.
 * @throws {PitcrewError} `E_BACKUP_KEY` when there are such keys, and it opens none
 */
export async function openedKeys(
  storage: Storage,
  passphrase: string,
): Promise<{ key: StoredKey; identity: string }[]> {
  const sealed = (await storedKeys(storage)).filter(({ isSealed }) => isSealed);
  const opened: { key: StoredKey; identity: string }[] = [];
  for (const key of sealed) {
    const identity = await openKey(storage, key.recipient, passphrase);
    if (identity !== undefined) opened.push({ key, identity });
  }
  if (sealed.length === 0 || opened.length > 0) return opened;
  throw new PitcrewError('E_BACKUP_KEY', `the passphrase is not that of ${storage.name}`, {
    detail: 'None of the keys that the repository has can be opened with it.',
    hint: 'Without the passphrase, or a key for which backups are stored, nothing encrypted can be read.',
  });
}
