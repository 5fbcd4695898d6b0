import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { placeError } from '../place-error.ts';
import { partialName, type Repository } from '../repository/index.ts';
import { requireSegment } from './require-segment.ts';

/** Exit code of the command that fetches when the repository does not have the file: no other failure has it. */
export const notInRepository = 44;

/**
 * Puts a file of the log where PostgreSQL wants it, whole or not at all: what its `restore_command` does. Of a segment that is there in part, what is there, and
 * zeros behind it, as in a server's own segment that is not full: recovery ends where they begin.
 * @returns false when the repository does not have it, which is how recovery finds the end
 * @throws {PitcrewError} `E_BACKUP_DAMAGED`, `E_BACKUP_KEY`, `E_STORAGE`: recovery must not take that for the end
 */
export async function fetchWal(repository: Repository, name: string, path: string): Promise<boolean> {
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

const isSegment = (name: string): boolean => /^[0-9A-F]{24}$/.test(name);

async function fetchFile(
  repository: Repository,
  name: string,
  path: string,
  { isPart = false } = {},
): Promise<boolean> {
  const content = await repository.readWal(isPart ? partialName(name) : name);
  if (!content) return false;
  const systemId = (await repository.record())?.systemId;
  const part = `${path}.part`;
  try {
    await pipeline(requireSegment(content, { name, systemId, isPart }), createWriteStream(part, { mode: 0o600 }));
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw placeError(error, path);
  }
  return true;
}
