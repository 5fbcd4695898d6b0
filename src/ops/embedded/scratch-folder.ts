import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { messageOf, PitcrewError } from '../../errors.ts';
import { asDataDirError } from './data-dir-errors.ts';
import { holdLock, type Lock } from './lock.ts';
import { stopLeftover } from './postmaster.ts';

/** A folder for a server and what is around it, that is ours for a while. */
export interface ScratchFolder {
  readonly path: string;
  /** For the server: not there yet. */
  readonly dataDir: string;
  /** As long as it is held, nobody takes the folder for one that was left. */
  readonly lock: Lock;
  /** Removes it, with all that is in it. The server has to be stopped. */
  remove(): void;
}

/** A folder is made a moment before its lock is taken. */
const TOO_YOUNG_MS = 60_000;
const keptFile = (folder: string): string => join(folder, 'kept');

/** Makes a folder of its own below another. @throws {PitcrewError} `E_DATA_DIR` */
export function makeScratchFolder(root: string, prefix: string): ScratchFolder {
  let path: string;
  try {
    path = mkdtempSync(join(realpathSync(root), prefix));
  } catch (error) {
    const told = asDataDirError(error, root);
    if (told instanceof PitcrewError) throw told;
    throw new PitcrewError('E_DATA_DIR', `cannot make a folder in "${root}"`, {
      detail: messageOf(error),
      cause: error,
    });
  }
  // Root's server runs as another user, who must be able to pass through.
  if (process.getuid?.() === 0) chmodSync(path, 0o711);
  const dataDir = join(path, 'data');
  const lock = holdLock(`${dataDir}.lock`, dataDir);
  return {
    path,
    dataDir,
    lock,
    remove() {
      rmSync(path, { recursive: true, force: true, maxRetries: 3 });
      lock.release();
    },
  };
}

/** Lets it stay for somebody else, who removes it. */
export function keepScratchFolder({ path }: ScratchFolder): void {
  writeFileSync(keptFile(path), '');
}

/** Removes the folders that processes made which are gone (their locks are free), and ends the servers that run there. */
export async function sweepScratchFolders(
  root: string,
  prefix: string,
  olderThanMs: number = TOO_YOUNG_MS,
): Promise<void> {
  for (const path of foldersIn(root, prefix)) {
    const dataDir = join(path, 'data');
    try {
      if (existsSync(keptFile(path))) continue;
      // Once there is a note of who holds the lock, it was held.
      const wasLocked = existsSync(`${dataDir}.lock.pid`);
      if (!wasLocked && Date.now() - statSync(path).mtimeMs < olderThanMs) continue;
      const lock = holdLock(`${dataDir}.lock`, dataDir);
      await stopLeftover(dataDir);
      rmSync(path, { recursive: true, force: true, maxRetries: 3 });
      lock.release();
    } catch {
      // In use, another user's, or removed by another process meanwhile.
    }
  }
}

function foldersIn(root: string, prefix: string): string[] {
  try {
    // By their one true path, under which their servers know them.
    const base = realpathSync(root);
    const names = readdirSync(base).filter((name) => name.startsWith(prefix));
    return names.map((name) => join(base, name));
  } catch {
    return [];
  }
}
