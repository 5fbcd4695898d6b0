import { backupRecordKey, backupsPrefix, startedKey } from './layout.ts';
import type { Repository } from './repository.ts';

/** No object takes so long to be written. */
const longestMs = 7 * 86_400_000;

/** Removes what writers that died have left: backups that did not become complete, and objects that are not. @returns the names of those backups */
export async function tidy(repository: Repository): Promise<string[]> {
  const { storage } = repository;
  const leftovers = await repository.leftovers();
  for (const id of leftovers) await repository.discard(id);
  // Of a complete one nobody has to be told that it was begun.
  for await (const { key } of storage.list(backupsPrefix)) {
    const [, id = ''] = key.split('/');
    if (key === startedKey(id) && (await storage.head(backupRecordKey(id)))) await storage.delete(key);
  }
  await storage.sweep(new Date(Date.now() - longestMs));
  return leftovers;
}
