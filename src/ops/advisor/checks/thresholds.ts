import type { CheckContext, CheckThresholds } from '../types.ts';

const MB = 1024 ** 2;
const GB = 1024 ** 3;

/** The thresholds of a run: as documented, where the context does not say otherwise. */
export function thresholdsOf({ thresholds, machine }: CheckContext): CheckThresholds {
  return {
    unusedDays: 7,
    bloatFromBytes: 10 * MB,
    smallTableRows: 10_000,
    partitionFromBytes: machine?.memoryBytes ?? 100 * GB,
    ...thresholds,
  };
}
