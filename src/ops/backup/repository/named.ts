import type { Buffer } from 'node:buffer';
import { PitcrewError } from '../../../errors.ts';

/**
 * Content of a stored object, whose key is told with what is wrong with it. One that is not there is damage: what names it is there.
 * @throws {PitcrewError} while iterating: `E_BACKUP_DAMAGED`, `E_BACKUP_KEY`, and what reading throws
 */
export async function* named(key: string, content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* content;
  } catch (error) {
    throw error instanceof PitcrewError ? withKey(error, key) : error;
  }
}

function withKey(error: PitcrewError, key: string): PitcrewError {
  const { code, message, detail, hint } = error;
  if (code === 'E_NOT_FOUND') return new PitcrewError('E_BACKUP_DAMAGED', message, { detail, hint, cause: error });
  if (code !== 'E_BACKUP_DAMAGED' && code !== 'E_BACKUP_KEY') return error;
  return new PitcrewError(code, message, {
    detail: detail === undefined ? key : `${key}: ${detail}`,
    hint,
    cause: error,
  });
}
