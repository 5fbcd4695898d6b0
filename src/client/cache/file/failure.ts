import { PitcrewError } from '../../../errors.ts';

/** What a tier rejects with when its folder cannot be used; whatever the reason, it works again when that is gone. */
export function tierFailure(folder: string, error: unknown): PitcrewError {
  if (error instanceof PitcrewError) return error;
  return new PitcrewError('E_CACHE_TIER', 'the folder of the file cache cannot be used', {
    detail: error instanceof Error ? `${folder}: ${error.message}` : folder,
    hint: 'See that the folder may be written to and that its disk has space left.',
    cause: error,
  });
}
