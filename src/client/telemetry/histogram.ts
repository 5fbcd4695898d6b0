/**
 * A histogram of durations in 264 buckets, about 1 kB: every doubling of time is cut into eight equal parts, so the middle of a
 * bucket is at most 1/17 (6 %) from any value in it at its lower end and 1/31 (3 %) at its upper end. The principle is that of HdrHistogram
 * (G. Tene); two of them are merged by adding counts.
 */
const partsPerDoubling = 8;
/** Whatever is quicker falls into the first bucket. */
const leastUs = 1;
/** 2³³ µs are 2.4 hours; whatever is slower falls into the last bucket. */
const doublings = 33;

export const bucketCount = doublings * partsPerDoubling;

/** The bucket of a duration. */
export function bucketOf(ms: number): number {
  const us = ms * 1000;
  if (!(us > leastUs)) return 0;
  const doubling = 31 - Math.clz32(us >= 0xffff_ffff ? 0xffff_ffff : us);
  const part = Math.floor((us / 2 ** doubling - 1) * partsPerDoubling);
  return Math.min(doubling * partsPerDoubling + Math.min(part, partsPerDoubling - 1), bucketCount - 1);
}

/** The middle of a bucket, in ms. */
export function bucketMiddleMs(bucket: number): number {
  const doubling = Math.floor(bucket / partsPerDoubling);
  const part = bucket % partsPerDoubling;
  return (2 ** doubling * (1 + (part + 0.5) / partsPerDoubling)) / 1000;
}

/** Counts by bucket; anything that can be added up. */
export type BucketCounts = Uint32Array | Float64Array | readonly number[];

/** The duration below which that share of all lies, in ms; `undefined` when there are none. */
export function quantileMs(counts: BucketCounts, share: number): number | undefined {
  let total = 0;
  for (const count of counts) total += count;
  if (total === 0) return undefined;
  let left = Math.ceil(total * Math.min(Math.max(share, 0), 1));
  for (let bucket = 0; bucket < counts.length; bucket++) {
    left -= counts[bucket] ?? 0;
    if (left <= 0) return bucketMiddleMs(bucket);
  }
  return bucketMiddleMs(counts.length - 1);
}

/** Pairs of bucket and count, of buckets that hold something. */
export function sparse(counts: BucketCounts): [bucket: number, count: number][] {
  const pairs: [number, number][] = [];
  for (let bucket = 0; bucket < counts.length; bucket++) {
    const count = counts[bucket] ?? 0;
    if (count > 0) pairs.push([bucket, count]);
  }
  return pairs;
}
