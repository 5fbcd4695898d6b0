import { PitcrewError } from '../../errors.ts';

/**
 * Waits for a repository only so long: a place that hangs is told as one that cannot be reached.
 * @param name of the repository
 * @throws {PitcrewError} `E_STORAGE` when it takes longer; whatever the work throws
 */
export async function inTime<Result>(work: Promise<Result>, name: string, patienceMs: number): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new PitcrewError('E_STORAGE', `${name} does not answer`, { detail: `Not within ${patienceMs / 1000} s.` }));
  }, patienceMs);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
