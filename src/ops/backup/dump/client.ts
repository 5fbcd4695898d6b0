import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { PitcrewError } from '../../../errors.ts';

/** A pg_dump of this machine. */
export interface DumpClient {
  path: string;
  /** As it says itself, such as `15.14 (Debian 15.14-0+deb12u1)`. */
  version: string;
  major: number;
}

const run = promisify(execFile);
/** A program that does not say its version within this time, in ms, is none. */
const answerMs = 10_000;

/**
 * Finds a pg_dump that can dump a server of that version: of the same major version if there is one, else of the lowest that is newer.
 * @throws {PitcrewError} `E_UNSUPPORTED` when there is none, with those that were found
 */
export async function findClient(serverVersion: number): Promise<DumpClient> {
  const major = Math.floor(serverVersion / 10_000);
  const found: DumpClient[] = [];
  for (const path of await candidates()) {
    const client = await clientAt(path);
    if (client) found.push(client);
  }
  const [best] = found.filter((client) => client.major >= major).toSorted((a, b) => a.major - b.major);
  if (best) return best;
  const others = found.map(({ path, version }) => `${path} is of ${version}`).join('; ');
  throw new PitcrewError('E_UNSUPPORTED', `there is no pg_dump of PostgreSQL ${major} or newer on this machine`, {
    detail: found.length === 0 ? 'There is none at all.' : `${others}.`,
    hint: `Install one, such as Debian's postgresql-client-${major}, and have it on PATH.`,
  });
}

async function clientAt(path: string): Promise<DumpClient | undefined> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: answerMs });
    const [, version, major] = /^pg_dump \(PostgreSQL\) ((\d+)\S*.*)$/m.exec(stdout) ?? [];
    return version === undefined ? undefined : { path, version: version.trim(), major: Number(major) };
  } catch {
    return undefined;
  }
}

/** On PATH, and where packages put several versions beside each other. */
async function candidates(): Promise<string[]> {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  for (const root of ['/usr/lib/postgresql', '/usr/local/lib/postgresql', '/opt/homebrew/opt']) {
    const names = await readdir(root).catch(() => []);
    folders.push(...names.map((name) => join(root, name, 'bin')));
  }
  const ofRedHat = await readdir('/usr').catch(() => []);
  folders.push(...ofRedHat.filter((name) => name.startsWith('pgsql-')).map((name) => join('/usr', name, 'bin')));
  return [...new Set(folders)].map((folder) => join(folder, 'pg_dump'));
}
