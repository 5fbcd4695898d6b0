import { mkdirSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { basename, join } from 'node:path';

const root = '/dev/shm';
const prefix = 'pitcrew-tests-';
/** Much more than a run has ever used at one time. */
const neededBytes = 4 * 1024 ** 3;

/**
 * A folder in memory for the temporary files of this run, and with it for the data of all its servers: to copy and remove
 * a cluster, a thousand files, costs a tenth of what it does on a disk. `undefined` where there is none, where it is small,
 * as in most containers, where programs cannot be run from it, or where TMPDIR says what is to be used.
 */
export function memoryFolder(): ({ path: string } & Disposable) | undefined {
  if (process.env.TMPDIR || !isUsable()) return undefined;
  readdirSync(root).filter(isLeft).forEach(remove);
  const path = join(root, prefix + process.pid);
  mkdirSync(path, { mode: 0o711 });
  return { path, [Symbol.dispose]: () => remove(basename(path)) };
}

function isUsable(): boolean {
  try {
    const [, , type, options = ''] = mountOf(root);
    const { bavail, bsize } = statfsSync(root);
    return type === 'tmpfs' && !options.split(',').includes('noexec') && available(bavail * bsize) > neededBytes;
  } catch {
    return false;
  }
}

function mountOf(path: string): string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return mounts.map((line) => line.split(' ')).findLast(([, at]) => at === path) ?? [];
}

function available(folderBytes: number): number {
  return Math.min(folderBytes, process.availableMemory());
}

/** A file system that a killed test had mounted in it stays. */
function remove(name: string): void {
  try {
    rmSync(join(root, name), { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    process.stderr.write(`"${join(root, name)}" could not be removed: ${String(error)}\n`);
  }
}

/** What a run left that was killed. */
function isLeft(name: string): boolean {
  const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : NaN;
  if (!Number.isInteger(pid)) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}
