/** Which reports of an instance were counted: all up to `highest` but for those that are missing. */
export interface Counted {
  highest: number;
  missing: readonly number[];
}

/** Reports that come later than this many others are taken for repetitions. */
const window = 1000;

/**
 * What is counted once the report of this number is too; `undefined` when it was counted before. Reports may arrive in any
 * order.
 */
export function countReport({ highest, missing }: Counted, sequence: number): Counted | undefined {
  if (sequence <= highest) {
    if (!missing.includes(sequence)) return undefined;
    return { highest, missing: missing.filter((number) => number !== sequence) };
  }
  const first = Math.max(highest + 1, sequence - window);
  const skipped = Array.from({ length: sequence - first }, (_, index) => first + index);
  return { highest: sequence, missing: [...missing, ...skipped].filter((number) => number >= sequence - window) };
}
