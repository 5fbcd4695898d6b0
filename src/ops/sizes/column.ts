/** What is known of the values of a column, or of an expression of an index, for what they take up: as `pg_stats` has it. */
export interface SizedColumn {
  /** Bytes of every value; -1 when they differ, -2 for a C string. */
  length: number;
  /** 1, 2, 4 or 8. */
  alignment: number;
  /** `null` without statistics, with all that follows. */
  nullShare: number | null;
  averageWidth: number | null;
  /** How many values are different; negative is a share of the rows, 0 unknown. */
  distinct: number | null;
  /** Shares of the most frequent values, largest first. */
  commonShares: readonly number[] | null;
  /** Bounds of the histogram of numbers and points in time, which have distances; `null` for other types, and without. */
  bounds: readonly number[] | null;
  /** Bytes of some values with their header, each for as many rows, of texts and `numeric`; `null` for other types, and without. */
  widths: readonly number[] | null;
}

/** PostgreSQL's guess for a value without a known length (`get_typavgwidth`). */
const unknownWidth = 32;
/** And for how many different values there are without statistics (`DEFAULT_NUM_DISTINCT`). */
const unknownDistinct = 200;

/** Average bytes of a value; the planner's guess where there are no statistics. */
export function widthOf({ length, averageWidth }: SizedColumn): number {
  return length > 0 ? length : (averageWidth ?? unknownWidth);
}

/** How many values are different, among so many rows. */
export function distinctOf({ distinct, nullShare }: SizedColumn, rows: number): number {
  const filled = rows * (1 - (nullShare ?? 0));
  const known = distinct === null || distinct === 0 ? unknownDistinct : distinct;
  return Math.max(1, Math.min(filled, known > 0 ? known : -known * rows));
}

/** SQL for `bounds`, of a column of `pg_stats` and its type. */
export function boundsSql(type: string, histogram: string): string {
  return `
    CASE WHEN ${type} IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype,
                          'float4'::regtype, 'float8'::regtype)
         -- numeric knows numbers that no float8 can hold.
         THEN ARRAY(SELECT CASE WHEN length(bound) < 300 THEN bound::float8 END
                      FROM unnest(${histogram}::text::text[]) AS bound)
         WHEN ${type} IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
         THEN ARRAY(SELECT extract(epoch FROM bound)::float8
                      FROM unnest(${histogram}::text::timestamptz[]) AS bound)
    END`;
}

/** SQL for `widths`, of an array of values of a column of `pg_stats` and its type. Short values have a header of one byte, others of four. */
export function widthsSql(type: string, values: string): string {
  return `
    CASE WHEN ${type} = 'numeric'::regtype
         THEN ARRAY(SELECT pg_column_size(value) - 3 FROM unnest(${values}::text::numeric[]) AS value)
         WHEN ${type} IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype)
         THEN ARRAY(SELECT octet_length(value) + CASE WHEN octet_length(value) > 126 THEN 4 ELSE 1 END
                      FROM unnest(${values}::text::text[]) AS value)
    END`;
}
