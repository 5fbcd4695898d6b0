import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PitcrewError } from '../../errors.ts';
import { makeCluster } from './cluster.ts';
import type { Identity } from './identity.ts';
import { holdLock, type Lock } from './lock.ts';
import type { Programs } from './programs.ts';

/** A folder of our own below the one for temporary files, in which nobody else can have put anything. */
export function cacheDir(): string {
  const root = process.getuid?.() === 0;
  const dir = join(realpathSync(tmpdir()), `pitcrew-cache-${process.getuid?.() ?? 'user'}`);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const stat = lstatSync(dir);
  if (!stat.isDirectory() || (process.getuid && stat.uid !== process.getuid()) || stat.mode & 0o022) {
    throw new PitcrewError('E_DATA_DIR', `"${dir}" is not safe to use`, {
      detail: 'It is not a folder that belongs to this user and that only this user can write to.',
      hint: 'Remove it, or set TMPDIR to a folder of your own.',
    });
  }
  // Root's servers run as another user, who must be able to pass through.
  if (root) chmodSync(dir, 0o711);
  return dir;
}

/**
 * A fresh cluster of this version that scratch servers copy, which is faster than initdb. One a day: systems remove old
 * files from the folder for temporary files one by one.
 */
export async function templateCluster(
  programs: Programs,
  identity: Identity | undefined,
  superuser: string,
): Promise<string> {
  const prefix = `cluster-${programs.version.text}-${identity?.uid ?? 'self'}-${superuser}.`;
  const dataDir = join(cacheDir(), prefix + new Date().toISOString().slice(0, 10));
  while (!existsSync(dataDir)) {
    const lock = tryLock(dataDir);
    if (!lock) {
      // Another one is making it.
      await delay(50);
      continue;
    }
    try {
      if (existsSync(dataDir)) break;
      for (const name of readdirSync(cacheDir())) {
        if (name.startsWith(prefix) && !join(cacheDir(), name).startsWith(dataDir)) {
          rmSync(join(cacheDir(), name), { recursive: true, force: true });
        }
      }
      await makeCluster({ programs, dataDir, identity, superuser, volatile: true });
    } finally {
      lock.release();
    }
  }
  return dataDir;
}

function tryLock(dataDir: string): Lock | undefined {
  try {
    return holdLock(`${dataDir}.lock`, dataDir);
  } catch (error) {
    if (existsSync(`${dataDir}.lock`)) return undefined;
    throw error;
  }
}
