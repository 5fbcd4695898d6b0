import { PitcrewError } from '../../../errors.ts';
import type { Identities } from '../age/index.ts';
import type { Storage } from '../storage/index.ts';
import { makeKey, openKey, type StoredKey, storedKeys } from './stored-keys.ts';

export interface KeyringOptions {
  storage: Storage;
  /** Public keys that were named: with these, none that the repository knows counts without the passphrase. */
  recipients: readonly string[];
  /** Secret keys that were given. */
  identities: Identities;
  /** Opens the repository's own key, which is made when there is none. */
  passphrase?: string | undefined;
}

/** The keys with which a repository is written and read. Each is looked for once, when it is needed first. */
export interface Keyring {
  /**
   * Who is able to read what is stored from now on; nobody: everybody.
   * @throws {PitcrewError} `E_BACKUP_KEY` when the passphrase is not that of the repository; `E_STORAGE`
   */
  recipients(): Promise<readonly string[]>;
  /** @throws {PitcrewError} likewise */
  identities(): Promise<Identities>;
}

/**
 * Whoever may write into the storage may put a key there. So keys that were named stand alone, and those of a passphrase count because only who knows it can
 * have made them; all others that the repository knows are used where neither was given.
 */
export function openKeyring({ storage, recipients: named, identities: given, passphrase }: KeyringOptions): Keyring {
  const stored = once(() => storedKeys(storage));

  /** By their public parts. */
  const opened = once(async (): Promise<Map<string, string>> => {
    const secrets = new Map<string, string>();
    if (passphrase === undefined) return secrets;
    const sealed = (await stored()).filter(({ isSealed }) => isSealed);
    for (const { recipient } of sealed) {
      const identity = await openKey(storage, recipient, passphrase);
      if (identity !== undefined) secrets.set(recipient, identity);
    }
    if (sealed.length > 0 && secrets.size === 0) throw wrongPassphrase(storage.name);
    return secrets;
  });

  const recipients = once(async (): Promise<readonly string[]> => {
    if (passphrase === undefined) return named.length > 0 ? named : used(await stored());
    const secrets = await opened();
    const own = used(await stored()).filter((recipient) => secrets.has(recipient));
    if (own.length > 0) return [...new Set([...named, ...own])];
    const made = await makeKey(storage, passphrase);
    secrets.set(made.recipient, made.identity);
    return [...named, made.recipient];
  });

  return {
    recipients,
    identities: async () => [...given, ...(await opened()).values()],
  };
}

const used = (keys: readonly StoredKey[]): string[] =>
  keys.flatMap(({ recipient, isUsed }) => (isUsed ? [recipient] : []));

/** What was found stays; what failed is tried again. */
function once<Value>(find: () => Promise<Value>): () => Promise<Value> {
  let found: Promise<Value> | undefined;
  return () => {
    found ??= find().catch((error: unknown) => {
      found = undefined;
      throw error;
    });
    return found;
  };
}

function wrongPassphrase(name: string): PitcrewError {
  return new PitcrewError('E_BACKUP_KEY', `the passphrase is not that of ${name}`, {
    detail: 'None of the keys that the repository has can be opened with it.',
    hint: 'Without the passphrase, or a key for which backups are stored, nothing encrypted can be read.',
  });
}
