import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { removeTwin } from './open-twin.ts';

const lockSuffix = '.lock';

/**
 * Removes the twins that killed processes left in a folder of twins: they hold samples of data. Those in use, and what is no twin, stay;
 * nothing is thrown.
 */
export async function removeLeftTwins(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  // A twin is never without its lock file.
  for (const name of readdirSync(folder).filter((entry) => entry.endsWith(lockSuffix))) {
    await removeTwin(join(folder, name.slice(0, -lockSuffix.length))).catch(() => {});
  }
}
