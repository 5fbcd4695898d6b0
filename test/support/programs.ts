import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where a program is: on PATH, or where Debian keeps servers. */
export function programPath(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Installs a package of Debian's, where we are root and apt works. @returns in words why it may not be there now. */
export function installWithApt(name: string): string {
  if (process.getuid?.() !== 0) return 'only root may install it';
  const args = ['-o', 'DPkg::Lock::Timeout=120', '-qq', '-y', '--no-install-recommends', 'install', name];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const ran = spawnSync('apt-get', args, { env, encoding: 'utf8', timeout: 180_000 });
  const reason = ran.error?.message ?? (ran.stderr.trim().split('\n').at(-1) || `exit code ${ran.status}`);
  return `apt-get cannot install it: ${reason}`;
}

/** A program of Debian's package of the same name, installed where that is possible; or why there is none on this machine. */
export function findProgram(name: string): { path: string } | { missing: string } {
  const path = programPath(name);
  if (path !== undefined) return { path };
  const reason = installWithApt(name);
  const installed = programPath(name);
  return installed === undefined ? { missing: `no ${name} on this machine: ${reason}` } : { path: installed };
}
