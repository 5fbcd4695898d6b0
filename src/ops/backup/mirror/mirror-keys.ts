import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { keysPrefix, type Repository } from '../repository/index.ts';

/**
 * Copies the secret keys that a passphrase opens: without them nothing there could be read. The newer one of two stays: another passphrase may open it.
 * @throws {PitcrewError} `E_STORAGE`
 */
export async function mirrorKeys(from: Repository, to: Repository): Promise<void> {
  for await (const { key, modifiedAt } of from.storage.list(keysPrefix)) {
    if (!key.endsWith('.age')) continue;
    const content = await buffer(from.storage.get(key));
    const found = await to.storage.head(key);
    if (found && (found.modifiedAt >= modifiedAt || (await buffer(to.storage.get(key))).equals(content))) continue;
    await to.storage.put(key, Readable.from([content]));
  }
}
