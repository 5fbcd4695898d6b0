import { bucketCount } from '../../../client/telemetry/histogram.ts';
import type { LatencyCounts } from './types.ts';

/**
 * Histograms are stored as arrays of `bucket × 2^40 + count`, one element for each bucket that holds something, in order:
 * small for the few buckets of a statement, added up by SQL, and whole numbers that JavaScript holds exactly.
 */
const countLimit = 2 ** 40;

/** Bits of the count, for SQL. */
export const countBits = 40;

/** As a parameter for a `bigint[]`, in text; `null` for nothing. */
export function histogramText(counts: ReadonlyMap<number, number>): string | null {
  const elements = [...counts]
    .filter(([, count]) => count > 0)
    .toSorted(([a], [b]) => a - b)
    .map(([bucket, count]) => bucket * countLimit + Math.min(count, countLimit - 1));
  return elements.length === 0 ? null : `{${elements.join(',')}}`;
}

/** From a column read as `double precision[]`. */
export function latencyOf(elements: readonly number[] | null): LatencyCounts {
  return (elements ?? []).map((element) => [Math.floor(element / countLimit), element % countLimit]);
}

/** Adds pairs of bucket and count; what lies beyond the last bucket is in it. */
export function addCounts(into: Map<number, number>, pairs: LatencyCounts): void {
  for (const [bucket, count] of pairs) {
    const place = Math.min(bucket, bucketCount - 1);
    into.set(place, (into.get(place) ?? 0) + count);
  }
}
