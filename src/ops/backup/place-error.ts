import { errorCode, messageOf, PitcrewError } from '../../errors.ts';

const full = ['ENOSPC', 'EDQUOT', 'EFBIG'];
const denied = ['EACCES', 'EPERM', 'EROFS'];

/** What went wrong where something was to be put that was read from a repository, in words. Everything else stays as it is. */
export function placeError(error: unknown, place: string): unknown {
  if (error instanceof PitcrewError) return error;
  const code = errorCode(error) ?? '';
  const options = { detail: messageOf(error), cause: error };
  if (full.includes(code)) {
    return new PitcrewError('E_STORAGE', `there is no room left for ${place}`, {
      ...options,
      hint: 'Nothing was put in place. Free some, or give a place that has more.',
    });
  }
  if (denied.includes(code)) {
    return new PitcrewError('E_STORAGE', `${place} cannot be made: we are not allowed to`, {
      ...options,
      hint: 'The user that runs Pitcrew has to be allowed to write there.',
    });
  }
  return error;
}
