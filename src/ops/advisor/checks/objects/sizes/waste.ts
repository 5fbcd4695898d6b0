import { percent } from '../../../../words/index.ts';
import type { Evidence } from '../../../types.ts';
import type { PageBounds } from '../../../../sizes/index.ts';

/**
 * Spoken of from this share of an index or table on that holds nothing: it could be half as large. A B-tree that only ever grew
 * cannot get there: its pages are split in halves, so they are half full at least, of the 90 % that a new one has.
 */
const mostWaste = 0.5;

/** Share of something's pages that is more than it needs, and between which bounds that lies. */
export interface Waste {
  low: number;
  expected: number;
  high: number;
  /** Measured, not estimated. */
  exact: boolean;
  /** Bytes that could be given back at least. */
  leastBytes: number;
}

export function wasteOf(needed: PageBounds, actual: number, blockSize: number, exact = false): Waste {
  const share = (pages: number): number => Math.max(0, 1 - pages / Math.max(actual, 1));
  return {
    low: share(needed.high),
    expected: share(needed.expected),
    high: share(needed.low),
    exact,
    leastBytes: Math.max(0, actual - needed.high) * blockSize,
  };
}

export type Verdict = 'bloated' | 'fine' | 'uncertain';

/** Bloated when even the most that may be needed leaves that much; uncertain when the bounds allow both. */
export function verdictOn(waste: Waste): Verdict {
  if (waste.low >= mostWaste) return 'bloated';
  return waste.expected >= mostWaste ? 'uncertain' : 'fine';
}

/** `62 %`, or with its error `62 % (58 % to 66 %)`. */
export function wasteText({ low, expected, high, exact }: Waste): string {
  return exact ? percent(expected) : `about ${percent(expected)} (${percent(low)} to ${percent(high)})`;
}

export function wasteEvidence(waste: Waste): Evidence[] {
  return [
    { label: waste.exact ? 'Empty, measured' : 'Empty, estimated', value: waste.expected, unit: 'ratio' },
    ...(waste.exact
      ? []
      : ([
          { label: 'Empty, at least', value: waste.low, unit: 'ratio' },
          { label: 'Empty, at most', value: waste.high, unit: 'ratio' },
        ] as const)),
  ];
}

/** The setting `fillfactor` among storage parameters such as `{fillfactor=70}`. */
export function fillFactorOf(options: readonly string[] | null, otherwise: number): number {
  const set = options?.find((option) => option.startsWith('fillfactor='));
  return set === undefined ? otherwise : Number(set.slice('fillfactor='.length));
}
