import { PitcrewError } from '../../../errors.ts';

/** Whether something was not stored because it is there already. */
export const isConflict = (error: unknown): boolean => error instanceof PitcrewError && error.code === 'E_CONFLICT';
