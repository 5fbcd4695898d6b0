import { open, opendir } from 'node:fs/promises';
import { join } from 'node:path';

/** Brings to disk which files a folder has, without which a file that was moved into it may be gone after a crash. */
export async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** That of a folder and of all below it; links are not followed. */
export async function flushFolders(path: string): Promise<void> {
  for await (const entry of await opendir(path)) {
    if (entry.isDirectory()) await flushFolders(join(path, entry.name));
  }
  await flushFolder(path);
}
