import { bucketCount } from '../../../client/telemetry/histogram.ts';
import type { LatencyCounts } from './types.ts';

/**
 * Histograms are stored as arrays of `bucket × 2^22 + count`, elements of 4 bytes in order, for buckets that hold something:
 * small for the few buckets of a statement, and added up by SQL. A larger count takes several elements of its bucket.
 */
export const countBits = 22;

/** Largest count of an element. */
export const countMask = 2 ** countBits - 1;

/** More would make the array too long; it is a million calls a second in one bucket, for an hour. */
const largestCount = 1000 * countMask;

/** As a parameter for an `integer[]`, in text; `null` for nothing. */
export function histogramText(counts: ReadonlyMap<number, number>): string | null {
  const elements = [...counts].toSorted(([a], [b]) => a - b).flatMap(([bucket, count]) => elementsOf(bucket, count));
  return elements.length === 0 ? null : `{${elements.join(',')}}`;
}

function elementsOf(bucket: number, count: number): number[] {
  const elements: number[] = [];
  for (let left = Math.min(count, largestCount); left > 0; left -= countMask) {
    elements.push(bucket * 2 ** countBits + Math.min(left, countMask));
  }
  return elements;
}

/** Adds pairs of bucket and count; what lies beyond the last bucket is in it. */
export function addCounts(into: Map<number, number>, pairs: LatencyCounts): void {
  for (const [bucket, count] of pairs) {
    const place = Math.min(bucket, bucketCount - 1);
    into.set(place, (into.get(place) ?? 0) + count);
  }
}
