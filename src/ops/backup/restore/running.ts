import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { readPidFile } from '../../embedded/index.ts';
import { isRunning } from '../is-running.ts';

/**
 * A server's process in a data directory: the one that its pid file names, or, where the system tells (Linux), any that is there, as a session that
 * outlived its server.
 */
export async function processIn(dataDir: string): Promise<number | undefined> {
  const pid = readPidFile(dataDir)?.pid;
  if (pid !== undefined && isRunning(pid)) return pid;
  const path = await realpath(dataDir).catch(() => dataDir);
  for (const name of await readdir('/proc').catch(() => [])) {
    // A server's processes all stand in its data directory.
    if (/^\d+$/.test(name) && Number(name) !== process.pid) {
      const folder = await readlink(`/proc/${name}/cwd`).catch(() => undefined);
      if (folder === path && (await isServer(name))) return Number(name);
    }
  }
  return undefined;
}

async function isServer(pid: string): Promise<boolean> {
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  return /^(postgres|postmaster)/.test(name);
}
