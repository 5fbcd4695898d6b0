import { open } from 'node:fs/promises';

/** Brings to disk which files a folder has, without which a file that was moved into it may be gone after a crash. */
export async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
