import { checkRecipients, type Identities } from '../age/index.ts';
import type { Storage } from '../storage/index.ts';
import { makeKey, openedKeys, type StoredKey, storedKeys } from './stored-keys.ts';

export interface KeyringOptions {
  storage: Storage;
  /** Public keys that were named. */
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
   * @throws {PitcrewError} `E_BACKUP_KEY` when the passphrase is not that of the repository, or a key is none; `E_STORAGE`
   */
  recipients(): Promise<readonly string[]>;
  /** @throws {PitcrewError} likewise */
  identities(): Promise<Identities>;
}

/**
 * Whoever may write into the storage may put a key there. So keys that are named stand alone, but for those that the passphrase opens; the others that the
 * repository knows are used where none are named.
 */
export function openKeyring({ storage, recipients: named, identities: given, passphrase }: KeyringOptions): Keyring {
  const stored = once(() => storedKeys(storage));

  /** By their public parts. */
  const opened = once(async (): Promise<Map<string, string>> => {
    const secrets = new Map<string, string>();
    if (passphrase === undefined) return secrets;
    for (const { key, identity } of await openedKeys(storage, passphrase)) secrets.set(key.recipient, identity);
    return secrets;
  });

  const recipients = once(async (): Promise<readonly string[]> => {
    await checkRecipients(named);
    if (passphrase === undefined) return named.length > 0 ? named : used(await stored());
    const secrets = await opened();
    const known = used(await stored());
    const own = known.filter((recipient) => secrets.has(recipient));
    if (own.length > 0) return named.length > 0 ? [...new Set([...named, ...own])] : known;
    const made = await makeKey(storage, passphrase);
    secrets.set(made.recipient, made.identity);
    return [...(named.length > 0 ? named : known), made.recipient];
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
