/**
 * A histogram of durations in 320 buckets, 1.3 kB: every doubling of time is cut into ten equal parts, so that no value is
 * further than 5 % from the middle of its bucket (widest where a doubling begins: from 1 to 1.1 around 1.048). The principle is that
 * of HdrHistogram (G. Tene); two of them are merged by adding counts.
 */
const partsPerDoubling = 10;
/** Whatever is quicker falls into the first bucket. */
const leastUs = 1;
/** 2³² µs are 72 minutes; whatever is slower falls into the last bucket. */
const doublings = 32;

export const bucketCount = doublings * partsPerDoubling;

/** Powers of two are looked up: computing them takes longer than all the rest. */
const widths = Float64Array.from({ length: doublings }, (_, doubling) => 2 ** doubling);

/** The bucket of a duration. */
export function bucketOf(ms: number): number {
  const us = ms * 1000;
  if (!(us > leastUs)) return 0;
  const doubling = 31 - Math.clz32(us >= 0xffff_ffff ? 0xffff_ffff : us);
  const part = Math.floor((us / (widths[doubling] ?? 1) - 1) * partsPerDoubling);
  return Math.min(doubling * partsPerDoubling + Math.min(part, partsPerDoubling - 1), bucketCount - 1);
}

/** The middle of a bucket, in ms: the harmonic mean of its bounds, which is equally far from both in proportion. */
export function bucketMiddleMs(bucket: number): number {
  const doubling = Math.floor(bucket / partsPerDoubling);
  const part = bucket % partsPerDoubling;
  const lower = 1 + part / partsPerDoubling;
  const upper = 1 + (part + 1) / partsPerDoubling;
  return (2 ** doubling * ((2 * lower * upper) / (lower + upper))) / 1000;
}

/** Counts by bucket; anything that can be added up. */
export type BucketCounts = Uint32Array | Float64Array | readonly number[];

/**
 * The duration below which that share of all lies, in ms; `undefined` when there are none.
 * @param mostMs the longest of all, where known: the middle of its bucket may be beyond it
 */
export function quantileMs(counts: BucketCounts, share: number, mostMs = Infinity): number | undefined {
  let total = 0;
  for (const count of counts) total += count;
  if (total === 0) return undefined;
  let left = Math.ceil(total * Math.min(Math.max(share, 0), 1));
  for (let bucket = 0; bucket < counts.length; bucket++) {
    left -= counts[bucket] ?? 0;
    if (left <= 0) return Math.min(bucketMiddleMs(bucket), mostMs);
  }
  return Math.min(bucketMiddleMs(counts.length - 1), mostMs);
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
