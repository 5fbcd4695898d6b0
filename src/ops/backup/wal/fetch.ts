import { rename, rm } from 'node:fs/promises';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Repository } from '../repository/index.ts';
import { requireSegment } from './require-segment.ts';

/** Exit code of the command that fetches when the repository does not have the file: no other failure has it. */
export const notInRepository = 44;

/**
 * Puts a file of the log where PostgreSQL wants it, whole or not at all: what its `restore_command` does.
 * @returns false when the repository does not have it, which is how recovery finds the end
 * @throws {PitcrewError} `E_BACKUP_DAMAGED`, `E_BACKUP_KEY`, `E_STORAGE`: recovery must not take that for the end
 */
export async function fetchWal(repository: Repository, name: string, path: string): Promise<boolean> {
  const content = await repository.readWal(name);
  if (!content) return false;
  const systemId = (await repository.record())?.systemId;
  const part = `${path}.part`;
  try {
    await pipeline(requireSegment(content, name, systemId), createWriteStream(part, { mode: 0o600 }));
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  return true;
}
