import type { HypotheticalIndex } from './types.ts';

/** By method, as test/whatif/index-sizes.test.ts holds them. */
const errors: Record<HypotheticalIndex['method'], number> = {
  btree: 0.15,
  hash: 0.15,
  brin: 0.15,
  gist: 0.3,
  // Statistics know the most frequent elements, and of the others hardly how many there are.
  gin: 0.6,
};

/** By which share of it the foretold size of an index may be wrong: a column's statistics are a sample. */
export function usualSizeError({ method }: HypotheticalIndex): number {
  return errors[method];
}
