import { align, keyGroups } from '../../../sizes/index.ts';
import { blockSize } from '../files/page.ts';
import type { IndexColumn } from './columns.ts';

const tuple = align(8 + 4, 8) + 4;
const perPage = Math.floor((blockSize - 24 - 16) / tuple);
/** Buckets are meant to be filled to 75 % (`HASH_DEFAULT_FILLFACTOR`). */
const perBucket = Math.floor((blockSize * 0.75) / tuple);

/** `HASH_SPLITPOINT_GROUPS_WITH_ONE_PHASE`: buckets are doubled up to here. */
const onePhase = 512;

/**
 * Pages of a hash index: buckets in a power of two, or from 512 on in quarters up to the next, of which those not yet split have twice the rows. What
 * does not fit on a bucket's page goes on in further ones: a value with many rows, and where chance puts many values.
 */
export function hashPages(columns: readonly IndexColumn[], rows: number): number {
  const wanted = Math.max(2, rows / perBucket);
  const power = 2 ** Math.floor(Math.log2(wanted));
  const step = power / 4;
  const buckets =
    power >= onePhase ? power + Math.ceil((wanted - power) / step) * step : 2 ** Math.ceil(Math.log2(wanted));
  const groups = keyGroups(columns, rows);
  const large = groups.filter((group) => group.rows > perPage);
  const small = groups.filter((group) => group.rows <= perPage);
  const spread = small.reduce((sum, group) => sum + group.values * group.rows, 0);
  const squares = small.reduce((sum, group) => sum + group.values * group.rows ** 2, 0);
  const each = spread > 0 ? squares / spread : 1;
  const base = buckets >= 2 * power ? 2 * power : power;
  const split = Math.max(0, 2 * (buckets - base));
  const unsplit = buckets - split;
  return Math.ceil(
    3 +
      split * bucketPages(spread / (2 * base), each) +
      unsplit * bucketPages(spread / base, each) +
      large.reduce((pages, group) => pages + group.values * Math.ceil(group.rows / perPage), 0),
  );
}

/** Pages of a bucket that gets so many rows in the mean, in groups of `each` that chance puts there. */
function bucketPages(mean: number, each: number): number {
  const deviation = Math.sqrt(mean * each) || 1;
  let pages = 1;
  for (let full = 1; full < 50; full += 1) {
    const more = upperTail((full * perPage - mean) / deviation);
    if (more < 1e-4) break;
    pages += more;
  }
  return pages;
}

/** Share of a normal distribution above so many deviations: the logistic curve that comes within 0.01 of it. */
function upperTail(deviations: number): number {
  return 1 / (1 + Math.exp(1.702 * deviations));
}
