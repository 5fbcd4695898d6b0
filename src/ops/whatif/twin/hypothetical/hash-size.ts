import { align8 } from '../files/height.ts';
import { blockSize } from '../files/page.ts';
import type { IndexColumn } from './columns.ts';
import { keyGroups } from './groups.ts';

const tuple = align8(8 + 4) + 4;
const perPage = Math.floor((blockSize - 24 - 16) / tuple);
/** Buckets are meant to be filled to 75 % (`HASH_DEFAULT_FILLFACTOR`). */
const perBucket = Math.floor((blockSize * 0.75) / tuple);

/** Values with fewer rows than this are not thrown one by one. */
const fewRows = 4;
const mostThrows = 50_000;

/**
 * Pages of a hash index: buckets in a power of two or quarters up to the next, of which those not yet split get twice the rows. What
 * does not fit on a bucket's page goes on in further ones: so values are thrown into the buckets, with the luck of always the same dice.
 */
export function hashPages(columns: readonly IndexColumn[], rows: number): number {
  const wanted = Math.max(2, rows / perBucket);
  const power = 2 ** Math.floor(Math.log2(wanted));
  const step = power / 4;
  // Quarters begin where there are more than 512 (`HASH_SPLITPOINT_GROUPS_WITH_ONE_PHASE`).
  const buckets = wanted > 512 ? power + Math.ceil((wanted - power) / step) * step : 2 ** Math.ceil(Math.log2(wanted));
  const base = buckets >= 2 * power ? 2 * power : power;
  const filled = new Float64Array(buckets);
  const random = dice();
  const throwOne = (size: number): void => {
    const hash = Math.floor(random() * 2 * base);
    const bucket = hash < buckets ? hash : hash - base;
    filled[bucket] = (filled[bucket] ?? 0) + size;
  };
  let thrown = 0;
  let rest = 0;
  for (const { values, rows: each } of keyGroups(columns, rows).toSorted((a, b) => b.rows - a.rows)) {
    const count = each < fewRows ? 0 : Math.min(Math.round(values), mostThrows - thrown);
    for (let time = 0; time < count; time += 1) throwOne(each);
    thrown += count;
    rest += Math.max(0, values - count) * each;
  }
  const even = rest / (2 * base);
  const unsplit = (bucket: number): boolean => bucket >= buckets - base && bucket < base;
  let pages = 0;
  for (const [bucket, own] of filled.entries()) {
    const mean = unsplit(bucket) ? 2 * even : even;
    // The sum of twelve dice is nearly normal.
    const luck = Array.from({ length: 12 }, () => random()).reduce((sum, one) => sum + one, -6);
    pages += Math.max(1, Math.ceil((own + Math.max(0, mean + luck * Math.sqrt(mean))) / perPage));
  }
  // The metapage, and maps of overflow pages.
  return 1 + pages + Math.max(1, Math.ceil((pages - buckets) / (blockSize * 4)));
}

/** Numbers from 0 to 1 that look random and are always the same (mulberry32). */
function dice(): () => number {
  let state = 42;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
