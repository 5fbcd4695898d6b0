import type { Buffer } from 'node:buffer';
import { PitcrewError } from '../../../errors.ts';

/** Content of a stored object, whose key is told with what is wrong with it. */
export async function* named(key: string, content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* content;
  } catch (error) {
    throw withKey(error, key);
  }
}

/** An error that was met while an object was read, with its key. One that is missing is damage: what names it is there. */
export function withKey(error: unknown, key: string): unknown {
  if (!(error instanceof PitcrewError)) return error;
  const { code, message, detail, hint } = error;
  if (code === 'E_NOT_FOUND') return new PitcrewError('E_BACKUP_DAMAGED', message, { detail, hint, cause: error });
  if (code !== 'E_BACKUP_DAMAGED' && code !== 'E_BACKUP_KEY') return error;
  return new PitcrewError(code, message, {
    detail: detail === undefined ? key : `${key}: ${detail}`,
    hint,
    cause: error,
  });
}
