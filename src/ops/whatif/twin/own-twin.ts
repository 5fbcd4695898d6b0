import { join } from 'node:path';
import { removeLeftTwins } from './leftovers.ts';
import { openTwin } from './open-twin.ts';
import type { Twin, TwinOptions } from './options.ts';

/** Folder for the twins of one database, below Pitcrew's data directory. */
export function twinsFolder(dataDir: string, database: string): string {
  return join(dataDir, 'twins', encodeURIComponent(database));
}

/**
 * Makes a twin of this process's own in a folder of twins (two processes may look at the same database), after removing what killed
 * processes left there.
 * @throws {PitcrewError} as `openTwin`.
 */
export async function openOwnTwin(folder: string, options: Omit<TwinOptions, 'dataDir'>): Promise<Twin> {
  await removeLeftTwins(folder);
  return openTwin({ ...options, dataDir: join(folder, `twin-${process.pid}`) });
}
