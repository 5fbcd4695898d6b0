import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from '../../errors.ts';
import { flushFolder } from './flush-folder.ts';

/**
 * Makes a folder and those above it that are missing, each of them safe on disk; for their owner only unless another mode is given. One by one: Node's own
 * recursive mkdir never returns where a file system answers ENOENT for good.
 */
export async function makeFolders(path: string, mode = 0o700): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return;
    if (errorCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolders(dirname(path), mode);
    await mkdir(path, { mode }).catch((again: unknown) => {
      if (errorCode(again) !== 'EEXIST') throw again;
    });
  }
  await flushFolder(dirname(path));
}
