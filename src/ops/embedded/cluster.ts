import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errorCode } from '../../errors.ts';
import { asDataDirError, startFailure } from './data-dir-errors.ts';
import { PASSWORD_FILE } from './data-dir.ts';
import { type Identity, spawnAs } from './identity.ts';
import type { Programs } from './programs.ts';

/** Name of the superuser unless another is asked for. */
export const SUPERUSER = 'pitcrew';

export interface ClusterOptions {
  programs: Programs;
  dataDir: string;
  identity: Identity | undefined;
  superuser: string;
  /** Do not wait for the disk. */
  volatile: boolean;
}

/**
 * Makes a new cluster: UTF-8, checksums, byte order by code point, and one superuser with a password that only its owner
 * can read. It is made beside and moved into place when complete, so that an interrupted one never stays.
 */
export async function makeCluster({ programs, dataDir, identity, superuser, volatile }: ClusterOptions): Promise<void> {
  const staging = `${dataDir}.new-${randomBytes(4).toString('hex')}`;
  const passwordFile = `${staging}.password`;
  const password = randomBytes(24).toString('hex');
  try {
    removeUnfinished(dataDir);
    mkdirSync(staging, { mode: 0o700 });
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    own(staging, identity);
    own(passwordFile, identity);
    const args = [
      `--pgdata=${staging}`,
      `--username=${superuser}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--data-checksums',
      '--no-instructions',
      ...localeArgs(programs.version.major),
      ...(volatile ? ['--no-sync'] : []),
    ];
    const { code, output } = await run(join(programs.binDir, 'initdb'), args, identity);
    if (code !== 0) throw startFailure('initdb', dataDir, output);
    renameSync(passwordFile, join(staging, PASSWORD_FILE));
    moveIntoPlace(staging, dataDir);
  } catch (error) {
    throw asDataDirError(error, dataDir);
  } finally {
    rmSync(staging, { recursive: true, force: true });
    rmSync(passwordFile, { force: true });
  }
}

/** Copies a cluster that no server runs on, without what belongs to the one copied only: its slots. */
export async function copyCluster(from: string, to: string, identity: Identity | undefined): Promise<void> {
  const staging = `${to}.new-${randomBytes(4).toString('hex')}`;
  try {
    removeUnfinished(to);
    mkdirSync(staging, { mode: 0o700 });
    own(staging, identity);
    // Run by the server's user, the copy has the right owner; and for a thousand small files it is five times faster.
    const { code, output } = await run('/bin/cp', ['-Rp', `${from}/.`, staging], identity);
    if (code !== 0) throw startFailure('copying the data directory', to, output);
    const slots = join(staging, 'pg_replslot');
    for (const name of readdirSync(slots)) rmSync(join(slots, name), { recursive: true });
    moveIntoPlace(staging, to);
  } catch (error) {
    throw asDataDirError(error, to);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** What a killed process left half made. The caller holds the directory's lock. */
export function removeUnfinished(dataDir: string): void {
  const prefix = `${basename(dataDir)}.new-`;
  for (const name of readdirSync(dirname(dataDir))) {
    if (name.startsWith(prefix)) rmSync(join(dirname(dataDir), name), { recursive: true, force: true });
  }
}

function moveIntoPlace(staging: string, dataDir: string): void {
  if (statSync(dataDir, { throwIfNoEntry: false })) rmdirSync(dataDir);
  renameSync(staging, dataDir);
}

function own(path: string, identity: Identity | undefined): void {
  if (identity) chownSync(path, identity.uid, identity.gid);
}

/** The built-in C.UTF-8 (17 and newer) knows the letters of every language; before, bytes are what sorts alike everywhere. */
function localeArgs(major: number): string[] {
  if (major >= 17) return ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  return major >= 15 ? ['--locale=C', '--locale-provider=libc'] : ['--locale=C'];
}

function run(
  program: string,
  args: string[],
  identity: Identity | undefined,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...spawnAs(identity), detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
    let output = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-4000);
    });
    child.once('error', (error) =>
      reject(errorCode(error) === 'EACCES' ? startFailure(program, program, 'Permission denied') : error),
    );
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
