import { chown, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../../errors.ts';
import { readControlFile } from './control-file.ts';
import { neededSettings } from './needed-settings.ts';

const note = '# Made by Pitcrew: the backup has none, because the server had its own outside of the data directory.\n';

/**
 * Makes the files of settings that a data directory lacks: Debian keeps them in /etc, where no backup sees them, and without them PostgreSQL
 * does not start. What is there stays.
 * @returns the names of those that were made
 */
export async function supplyConfig(
  dataDir: string,
  { segmentBytes, owner }: { segmentBytes: number; owner: { uid: number; gid: number } | undefined },
): Promise<string[]> {
  const major = Number.parseInt(await readFile(join(dataDir, 'PG_VERSION'), 'utf8'));
  const settings = { ...neededSettings({ major, segmentBytes }), ...(await readControlFile(dataDir))?.settings };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
  const made: string[] = [];
  for (const [name, content] of [
    ['postgresql.conf', lines.join('')],
    ['pg_hba.conf', 'local all all peer\n'],
    ['pg_ident.conf', ''],
  ] as const) {
    const path = join(dataDir, name);
    try {
      await writeFile(path, note + content, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if (errorCode(error) === 'EEXIST') continue;
      throw error;
    }
    if (owner) await chown(path, owner.uid, owner.gid);
    made.push(name);
  }
  return made;
}
