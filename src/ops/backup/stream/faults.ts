import { toPitcrewError } from '../../../errors.ts';
import type { StreamFault } from './types.ts';

/** An error as data. */
export function faultOf(thrown: unknown): StreamFault {
  const { code, message, detail, hint } = toPitcrewError(thrown);
  return { code, message, detail, hint };
}

/** What no new attempt can mend. */
export function isFatal(thrown: unknown): boolean {
  return ['E_CONFIG', 'E_UNSUPPORTED', 'E_CONFLICT'].includes(toPitcrewError(thrown).code);
}

/** How long to wait after so many failures, in ms: a second, then twice as long each time. */
export const waitAfter = (failures: number, longestMs: number): number =>
  Math.min(longestMs, 1000 * 2 ** Math.min(failures - 1, 20));
