import { errorCode, messageOf, PitcrewError } from '../../../errors.ts';

const full = ['ENOSPC', 'EDQUOT', 'EFBIG'];
const denied = ['EACCES', 'EPERM', 'EROFS'];

/** What went wrong with a folder, in words. What was raised on purpose stays. */
export function storageError(error: unknown, root: string): Error {
  const code = errorCode(error) ?? '';
  // What failed while it was read, rather than while it was written, is told as it is.
  if (error instanceof PitcrewError || !(error instanceof Error) || !('syscall' in error)) {
    return error instanceof Error ? error : new PitcrewError('E_INTERNAL', messageOf(error));
  }
  const options = { detail: error.message, cause: error };
  if (full.includes(code)) {
    return new PitcrewError('E_STORAGE', `there is no room left in ${root}`, {
      ...options,
      hint: 'Free some, or keep fewer backups. Nothing that was stored before is lost.',
    });
  }
  if (denied.includes(code)) {
    return new PitcrewError('E_STORAGE', `${root} does not let us`, {
      ...options,
      hint: 'The user that runs Pitcrew has to own the folder.',
    });
  }
  return new PitcrewError('E_STORAGE', `${root} cannot be used`, options);
}
