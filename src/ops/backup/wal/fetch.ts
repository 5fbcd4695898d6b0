import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isRunning } from '../is-running.ts';
import { placeError } from '../place-error.ts';
import { partialName } from '../repository/layout.ts';
import type { LogContent } from '../repository/log-content.ts';
import { writeFile } from '../write-file.ts';
import { requireSegment } from './require-segment.ts';

/** The log, and whose it is. */
type FetchSource = LogContent & { record(): Promise<{ systemId: string } | undefined> };

/** Exit code of the command that fetches when the repository does not have the file: no other failure has it. */
export const notInRepository = 44;

/**
 * Puts a file of the log where PostgreSQL wants it, whole or not at all: what its `restore_command` does. Of a segment that is there in part, what is there, and
 * zeros behind it, as in a server's own segment that is not full: recovery ends where they begin.
 * @returns false when the repository does not have it, which is how recovery finds the end
 * @throws {PitcrewError} `E_BACKUP_DAMAGED`, `E_BACKUP_KEY`, `E_STORAGE`: recovery must not take that for the end
 */
export async function fetchWal(repository: FetchSource, name: string, path: string): Promise<boolean> {
  if (await fetchFile(repository, name, path)) return true;
  if (!isSegment(name)) return false;
  try {
    if (await fetchFile(repository, name, path, { isPart: true })) return true;
  } catch (error) {
    // A stream may have completed it, and removed the part, while we were reading that.
    if (await fetchFile(repository, name, path)) return true;
    throw error;
  }
  return fetchFile(repository, name, path);
}

/**
 * Puts a segment that is complete into a file, as `fetchWal` does; one of which there is a part only is not there.
 * @param systemId of the cluster, as far as it is known
 * @throws {PitcrewError} likewise
 */
export function fetchComplete(
  repository: FetchSource,
  name: string,
  path: string,
  systemId: string | undefined,
): Promise<boolean> {
  return fetchFile(repository, name, path, { systemId });
}

const isSegment = (name: string): boolean => /^[0-9A-F]{24}$/.test(name);

async function fetchFile(
  repository: FetchSource,
  name: string,
  path: string,
  { isPart = false, systemId }: { isPart?: boolean; systemId?: string | undefined } = {},
): Promise<boolean> {
  const content = await repository.readWal(isPart ? partialName(name) : name);
  if (!content) return false;
  const owner = systemId ?? (await repository.record())?.systemId;
  await removeLeftovers(path);
  // Of this process alone: one that outlived its server may still be at it.
  const part = partOf(path, process.pid);
  try {
    await rm(part, { force: true });
    // PostgreSQL brings to disk what it needs there.
    await writeFile(part, requireSegment(content, { name, systemId: owner, isPart }), { flush: false });
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw placeError(error, path);
  }
  return true;
}

const partOf = (path: string, pid: number | string): string => `${path}.${pid}.part`;

/** What those have left that were killed. */
async function removeLeftovers(path: string): Promise<void> {
  const folder = dirname(path);
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const [, pid] = /\.(\d+)\.part$/.exec(name) ?? [];
    if (pid === undefined || name !== basename(partOf(path, pid)) || isRunning(Number(pid))) continue;
    await rm(join(folder, name), { force: true });
  }
}
