import type pg from 'pg';
import { distinctOf, type SizedColumn } from '../../../sizes/index.ts';
import { askSamples, keySamples } from './samples.ts';

/** Values with about the same width are told apart up to so many. */
const keptWidths = 200;
/** So many of the most frequent values are told one by one, as ANALYZE does, when they were met so often. */
const keptShares = 100;
const leastMet = 4;

/** Samples of the column that give the same value. */
interface Outcome {
  isNull: boolean;
  /** Of the rows. */
  share: number;
  /** How many samples of the histogram are among them. */
  samples: number;
  bytes: number;
}

/**
 * What ANALYZE would find of the values of an expression, as far as it is made of one column: what that gives for the values that
 * statistics know. `undefined` when that cannot be told.
 */
export async function expressionStatistics(
  owner: pg.Client,
  index: number,
  position: number,
  rows: number,
): Promise<Pick<SizedColumn, 'nullShare' | 'averageWidth' | 'distinct' | 'commonShares' | 'widths'> | undefined> {
  const answer = await askSamples<Outcome>(
    owner,
    await keySamples(owner, index, position),
    ({ expression, from }) => `
      SELECT bool_or(value IS NULL)            AS "isNull",
             sum(weight)::float8               AS "share",
             count(*)::int4                    AS "samples",
             coalesce(max(pg_column_size(value)), 0) AS "bytes"
        FROM (SELECT ${expression} AS value, s."pitcrew weight" AS weight FROM ${from}) AS v
       GROUP BY value::text`,
  );
  if (!answer) return undefined;
  const { samples } = answer;
  const filled = answer.rows.filter(({ isNull }) => !isNull);
  const share = filled.reduce((sum, each) => sum + each.share, 0);
  const nullShare = answer.rows.reduce((sum, each) => sum + (each.isNull ? each.share : 0), 0);
  if (filled.length === 0 || share <= 0) return undefined;
  // In memory each value has a header of four bytes, short ones are stored with one.
  const widthOf = ({ bytes }: Outcome): number => (bytes <= 130 ? bytes - 3 : bytes);
  const once = filled.filter((each) => each.samples === 1).length;
  const random = answer.rows.reduce((sum, each) => sum + each.samples, 0) - samples.known;
  const whole = distinctOf({ ...unknown, distinct: samples.distinct, nullShare: samples.nullShare }, rows);
  return {
    nullShare,
    averageWidth: filled.reduce((sum, each) => sum + each.share * widthOf(each), 0) / share,
    distinct: differentOf(filled.length, once, random, whole),
    commonShares: filled
      .filter((each) => each.share > leastMet * samples.each)
      .map((each) => each.share)
      .toSorted((a, b) => b - a)
      .slice(0, keptShares),
    widths: spreadWidths(filled, share, widthOf),
  };
}

const unknown: SizedColumn = {
  length: -1,
  alignment: 1,
  nullShare: null,
  averageWidth: null,
  distinct: null,
  commonShares: null,
  bounds: null,
  widths: null,
};

/** The estimator of Haas and Stokes that ANALYZE uses ("Duj1"), for so many samples of so many different values of the column. */
function differentOf(seen: number, once: number, samples: number, of: number): number {
  if (samples === 0 || once === 0) return seen;
  const size = Math.max(samples, seen);
  return Math.min(of, Math.max(seen, (size * seen) / (size - once + (once * size) / Math.max(of, size))));
}

/** Widths of values, each for as many rows. */
function spreadWidths(filled: readonly Outcome[], share: number, widthOf: (each: Outcome) => number): number[] {
  const widths: number[] = [];
  let passed = 0;
  for (const each of filled) {
    passed += (each.share / share) * keptWidths;
    while (widths.length + 0.5 < passed && widths.length < keptWidths) widths.push(widthOf(each));
  }
  return widths;
}
