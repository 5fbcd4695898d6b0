import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { PitcrewError } from '../../../errors.ts';
import { partialName, type Repository } from '../repository/index.ts';
import { requireSegment } from './require-segment.ts';
import { segmentSizeIn } from './segment-header.ts';

/** Exit code of the command that fetches when the repository does not have the file: no other failure has it. */
export const notInRepository = 44;

/**
 * Puts a file of the log where PostgreSQL wants it, whole or not at all: what its `restore_command` does. Of a segment that is there in part, what is there, and
 * zeros behind it, as in a server's own segment that is not full: recovery ends where they begin.
 * @returns false when the repository does not have it, which is how recovery finds the end
 * @throws {PitcrewError} `E_BACKUP_DAMAGED`, `E_BACKUP_KEY`, `E_STORAGE`: recovery must not take that for the end
 */
export async function fetchWal(repository: Repository, name: string, path: string): Promise<boolean> {
  if (await fetchFile(repository, name, path, write)) return true;
  if (!isSegment(name)) return false;
  try {
    if (await fetchFile(repository, partialName(name), path, writePartial)) return true;
  } catch (error) {
    // A stream may have completed it, and removed the part, while we were reading that.
    if (await fetchFile(repository, name, path, write)) return true;
    throw error;
  }
  return fetchFile(repository, name, path, write);
}

const isSegment = (name: string): boolean => /^[0-9A-F]{24}$/.test(name);

async function fetchFile(
  repository: Repository,
  name: string,
  path: string,
  put: (content: AsyncIterable<Buffer>, part: string) => Promise<void>,
): Promise<boolean> {
  const content = await repository.readWal(name);
  if (!content) return false;
  const systemId = (await repository.record())?.systemId;
  const part = `${path}.part`;
  try {
    await put(requireSegment(content, name, systemId), part);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  return true;
}

const write = (content: AsyncIterable<Buffer>, part: string): Promise<void> =>
  pipeline(content, createWriteStream(part, { mode: 0o600 }));

async function writePartial(content: AsyncIterable<Buffer>, part: string): Promise<void> {
  await write(content, part);
  await using file = await open(part, 'r+');
  const header = Buffer.alloc(64);
  await file.read(header, 0, header.length, 0);
  const segmentBytes = segmentSizeIn(header);
  const { size } = await file.stat();
  if (segmentBytes === undefined || size > segmentBytes) {
    throw new PitcrewError('E_BACKUP_DAMAGED', 'a part of a segment is not what a server writes', {
      detail: segmentBytes === undefined ? 'It does not begin as a segment does.' : `It has ${size} bytes.`,
    });
  }
  await file.truncate(segmentBytes);
}
