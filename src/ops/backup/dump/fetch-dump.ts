import { createWriteStream } from 'node:fs';
import { link, rm, unlink } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { errorCode, PitcrewError } from '../../../errors.ts';
import type { Repository } from '../repository/index.ts';
import { readDump } from './dumps.ts';

/**
 * Writes a dump out, as pg_dump made it: for `pg_restore`. Whole or not at all; nothing that is there is overwritten.
 * @returns its length in bytes
 * @throws {PitcrewError} `E_NOT_FOUND`; `E_CONFLICT` when the file exists; `E_BACKUP_DAMAGED`, `E_BACKUP_KEY`, `E_STORAGE`; `E_ABORTED`
 */
export async function fetchDump(
  repository: Repository,
  id: string,
  path: string,
  signal?: AbortSignal,
): Promise<number> {
  const { file } = await readDump(repository, id);
  const part = `${path}.part`;
  let bytes = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const piece of repository.readFile(file)) {
      bytes += piece.length;
      yield piece;
    }
  }
  try {
    await pipeline(counted(), createWriteStream(part, { mode: 0o600, flush: true }), signal ? { signal } : {});
    if (bytes !== file.bytes) throw shorter(id, bytes, file.bytes);
    await link(part, path);
  } catch (error) {
    if (signal?.aborted) throw new PitcrewError('E_ABORTED', 'the writing was stopped', { cause: error });
    if (errorCode(error) === 'EEXIST') throw new PitcrewError('E_CONFLICT', `there is a file ${path} already`);
    throw error;
  } finally {
    await unlink(part).catch(() => rm(part, { force: true }));
  }
  return bytes;
}

function shorter(id: string, bytes: number, expected: number): PitcrewError {
  return new PitcrewError('E_BACKUP_DAMAGED', `dump ${id} is not what was stored`, {
    detail: `It has ${bytes} bytes, and had ${expected} when it was stored.`,
  });
}
