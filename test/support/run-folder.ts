import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const memory = '/dev/shm';
const prefix = 'pitcrew-tests-';
/** Four times what a run uses at one time. */
const neededBytes = 2 * 1024 ** 3;

/**
 * Makes a folder for all temporary files of this run, with them for the data of its servers, and has this process and those that
 * it starts use it. It is in memory where there is room: to copy or remove a cluster, a thousand files, costs a tenth of what
 * it does on a disk. What killed runs left is removed.
 */
export function useRunFolder(): Disposable {
  const root = process.env.TMPDIR === undefined && memoryIsUsable() ? memory : realpathSync(tmpdir());
  for (const name of readdirSync(root).filter(isLeft)) remove(join(root, name));
  const folder = join(root, prefix + process.pid);
  mkdirSync(folder, { mode: 0o711 });
  const { TMPDIR } = process.env;
  process.env.TMPDIR = folder;
  // What a process has compiled, types taken out, the next one need not: most of the time of a short command.
  const compiled = join(folder, 'compiled');
  process.env.NODE_COMPILE_CACHE = compiled;
  mkdirSync(compiled);
  // Each user has a folder of its own in it.
  chmodSync(compiled, 0o1777);
  writeFileSync(commandPath(folder), commandText(compiled));
  return {
    [Symbol.dispose]() {
      remove(folder);
      // A run that watches begins again.
      if (TMPDIR === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = TMPDIR;
    },
  };
}

/** The command `pitcrew` of this run. */
export const commandPath = (folder: string): string => join(folder, 'pitcrew.mjs');

/** A server that was restored runs it for each segment of its log, in an environment that names no cache. */
const commandText = (compiled: string): string => `import { enableCompileCache } from 'node:module';
enableCompileCache(${JSON.stringify(compiled)});
await import(${JSON.stringify(join(import.meta.dirname, '../../src/cli/main.ts'))});
`;

function memoryIsUsable(): boolean {
  try {
    const [, , type, options = ''] = mountOf(memory);
    const { bavail, bsize } = statfsSync(memory);
    // Most containers have a small one, or one from which no program can be run.
    const freeBytes = Math.min(bavail * bsize, process.availableMemory());
    return type === 'tmpfs' && !options.split(',').includes('noexec') && freeBytes > neededBytes;
  } catch {
    return false;
  }
}

function mountOf(path: string): string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return mounts.map((line) => line.split(' ')).findLast(([, at]) => at === path) ?? [];
}

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

/** A file system that a killed test had mounted in it stays. */
function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    process.stderr.write(`"${folder}" could not be removed: ${String(error)}\n`);
  }
}
