import type { ParameterSample } from './types.ts';

/** Where a placeholder stands: compared with a column of a table. */
export interface PlaceholderUse {
  /** 1 for `$1`. */
  parameter: number;
  schema: string;
  table: string;
  /** Not quoted. */
  column: string;
  /** As written: `=`, `<`, `>=`, `~~`. */
  operator: string;
  /** The placeholder stands for a list: `= ANY ($1)`. */
  list?: boolean;
}

/** What pg_stats knows of a column's values, as text. */
export interface ColumnStatistics {
  /** Share of rows where it is NULL, 0–1. */
  nullShare: number;
  /** Most frequent first, with the share of all rows that each has. */
  common: readonly { value: string; share: number }[];
  /** Values between which about equally many of the other rows lie, ascending. */
  bounds: readonly string[];
}

/** Of three samples: values that many rows have, that some have, and that few have. */
const ranks = ['many', 'some', 'few'] as const;
type Rank = (typeof ranks)[number];

/** A list that is asked for has so many values. */
const listed = 3;

/**
 * Typical values for a statement's placeholders, from the statistics of the columns with which they are compared: values that many rows
 * have first, then usual ones, then rare ones; the same sample is given once. They are real values of the table.
 *
 * Empty when there is a placeholder of which nothing is known (a LIMIT, a computed value, a column without statistics): a guess would
 * be planned as if it were true, so that the statement is better planned generically.
 * @param count how many placeholders the statement has.
 * @param known values that are known of a call, which stay as they are.
 */
export function sampleParameters(
  count: number,
  uses: readonly PlaceholderUse[],
  statisticsOf: (column: Pick<PlaceholderUse, 'schema' | 'table' | 'column'>) => ColumnStatistics | undefined,
  known: ParameterSample = [],
): ParameterSample[] {
  if (count === 0) return [];
  const samples = new Map<string, ParameterSample>();
  for (const rank of ranks) {
    const sample = Array.from({ length: count }, (_, index) =>
      known[index] === undefined ? valueOf(index + 1, uses, statisticsOf, rank) : known[index],
    );
    if (sample.includes(undefined)) return [];
    samples.set(JSON.stringify(sample), sample);
  }
  return [...samples.values()];
}

function valueOf(
  parameter: number,
  uses: readonly PlaceholderUse[],
  statisticsOf: (column: PlaceholderUse) => ColumnStatistics | undefined,
  rank: Rank,
): string | undefined {
  // Where a placeholder is compared with several columns, the first one of which something is known decides.
  for (const use of uses.filter((each) => each.parameter === parameter)) {
    const statistics = statisticsOf(use);
    if (!statistics) continue;
    const value = comparedValue(use, uses, statistics, rank);
    if (value !== undefined) return value;
  }
  return undefined;
}

function comparedValue(
  use: PlaceholderUse,
  uses: readonly PlaceholderUse[],
  statistics: ColumnStatistics,
  rank: Rank,
): string | undefined {
  if (use.list) return listOf(statistics, rank);
  switch (use.operator) {
    case '=':
    case '<>':
    case '!=':
      return single(statistics, rank);
    case '<':
    case '<=':
    case '>':
    case '>=':
      return bound(use, uses, statistics, rank);
    case '~~':
    case '~~*': {
      const value = single(statistics, rank);
      // The beginning of a value, its wildcards taken as they are.
      return value === undefined ? undefined : `${value.slice(0, 3).replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
    }
    default:
      return undefined;
  }
}

/** A value that many rows have is the most common one, a usual one is that of a middle row, a rare one is none of the common ones. */
function single({ common, bounds, nullShare }: ColumnStatistics, rank: Rank): string | undefined {
  const middle = bounds[Math.floor(bounds.length / 2)];
  if (rank === 'many') return common[0]?.value ?? middle;
  if (rank === 'few') return bounds[Math.floor(bounds.length / 4)] ?? common.at(-1)?.value;
  let left = (1 - nullShare) / 2;
  for (const { value, share } of common) {
    left -= share;
    if (left <= 0) return value;
  }
  return middle ?? common.at(-1)?.value;
}

function listOf({ common, bounds }: ColumnStatistics, rank: Rank): string | undefined {
  const values = common.map(({ value }) => value);
  const spread = bounds.filter((_, index) => index % Math.max(1, Math.floor(bounds.length / listed)) === 0);
  const order =
    rank === 'many' ? [...values, ...spread] : rank === 'few' ? [...spread, ...values.toReversed()] : undefined;
  const chosen = (order ?? [...values.slice(0, 1), ...spread, ...values.slice(1)]).slice(0, listed);
  if (chosen.length === 0) return undefined;
  return `{${chosen.map((value) => `"${value.replaceAll(/[\\"]/g, String.raw`\$&`)}"`).join(',')}}`;
}

/** How much of a range is asked for: where it begins and ends, as shares of the rows in order. */
const ranges: Readonly<Record<Rank, { from: number; to: number }>> = {
  many: { from: 0.1, to: 0.9 },
  some: { from: 0.5, to: 0.6 },
  few: { from: 0.95, to: 0.96 },
};

/**
 * The end of a range. With two ends they belong together; with one, ranges that are open to above end with the newest and largest values,
 * those that are open to below with the oldest and smallest.
 */
function bound(
  use: PlaceholderUse,
  uses: readonly PlaceholderUse[],
  { common, bounds }: ColumnStatistics,
  rank: Rank,
): string | undefined {
  const isLower = use.operator.startsWith('>');
  const hasOther = uses.some(
    (each) =>
      each.schema === use.schema &&
      each.table === use.table &&
      each.column === use.column &&
      each.operator.startsWith(isLower ? '<' : '>'),
  );
  const { from, to } = ranges[rank];
  const share = isLower ? from : hasOther ? to : 1 - from;
  if (bounds.length > 0) return bounds[Math.round(share * (bounds.length - 1))];
  return common[Math.min(common.length - 1, Math.floor(share * common.length))]?.value;
}
