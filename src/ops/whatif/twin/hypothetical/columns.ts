import type pg from 'pg';

/** What is known of one column of an index. */
export interface IndexColumn {
  /** The table's column; `null` for an expression. */
  column: string | null;
  /** Average bytes of a value; the planner's guess where there are no statistics. */
  width: number;
  /** -1 for a length of its own per value. */
  length: number;
  /** Bytes of some values, each for as many rows, of numeric and text; `null` for other types, and without a histogram. */
  widths: readonly number[] | null;
  align: number;
  nullFraction: number;
  /** How many different values there are among `rows` rows. */
  distinct: (rows: number) => number;
  /** Shares of the most frequent values, largest first. */
  frequencies: readonly number[];
  /** Bounds of the histogram of numbers and of points in time, which have distances; `null` for other types, and without. */
  bounds: readonly number[] | null;
  /** Element statistics of arrays, text search vectors and jsonb; `null` without. */
  elements: { perRow: number | null; shares: readonly number[] } | null;
  /** Key columns only, false for those carried along. */
  key: boolean;
  /** Whether equal values are the same bytes, so that a B-tree may keep them once. */
  equalImage: boolean;
  /** Whether a GiST index sorts by it while it is built. */
  sorted: boolean;
  /** Type of what the index keeps: not the column's for some operator classes. */
  type: string;
  /** Type of the table's column. */
  columnType: string | null;
}

interface Row {
  column: string | null;
  length: number;
  align: string;
  type: string;
  columnType: string | null;
  key: boolean;
  equalImage: boolean;
  sorted: boolean;
  nullFraction: number | null;
  width: number | null;
  distinct: number | null;
  frequencies: number[] | null;
  bounds: number[] | null;
  widths: number[] | null;
  elements: number[] | null;
  elementCounts: number[] | null;
}

const aligns: Record<string, number> = { c: 1, s: 2, i: 4, d: 8 };

/** PostgreSQL's guess for a value without a known length (`get_typavgwidth`). */
const unknownWidth = 32;
/** And for how many different values an expression has (`DEFAULT_NUM_DISTINCT`). */
const unknownDistinct = 200;

/** The columns of an index that is on the twin, with what statistics say of the table's columns. */
export async function indexColumns(owner: pg.Client, index: number): Promise<IndexColumn[]> {
  const { rows } = await owner.query<Row>(
    `
    SELECT a.attname                              AS "column",
           x.attlen                               AS "length",
           x.attalign                             AS "align",
           format_type(x.atttypid, NULL)          AS "type",
           format_type(a.atttypid, NULL)          AS "columnType",
           x.attnum <= i.indnkeyatts              AS "key",
           -- numeric, floats, jsonb, arrays and ICU's non-deterministic order have equal values that look different.
           EXISTS (SELECT FROM pg_opclass o
                     JOIN pg_amproc p ON p.amprocfamily = o.opcfamily
                                     AND p.amproclefttype = o.opcintype
                                     AND p.amprocrighttype = o.opcintype
                                     AND p.amprocnum = 4
                    WHERE x.attnum <= i.indnkeyatts
                      AND o.oid = i.indclass[x.attnum - 1])
             AND coalesce((SELECT l.collisdeterministic FROM pg_collation l WHERE l.oid = x.attcollation), true)
                                                  AS "equalImage",
           -- Sorted while it is built, a GiST index is packed.
           EXISTS (SELECT FROM pg_opclass o
                     JOIN pg_amproc p ON p.amprocfamily = o.opcfamily AND p.amprocnum = 11
                     JOIN pg_am m     ON m.oid = o.opcmethod AND m.amname = 'gist'
                    WHERE x.attnum <= i.indnkeyatts
                      AND o.oid = i.indclass[x.attnum - 1])
                                                  AS "sorted",
           s.null_frac                            AS "nullFraction",
           s.avg_width                            AS "width",
           s.n_distinct                           AS "distinct",
           s.most_common_freqs                    AS "frequencies",
           CASE WHEN a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype,
                                    'float4'::regtype, 'float8'::regtype)
                THEN s.histogram_bounds::text::float8[]
                WHEN a.atttypid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
                THEN ARRAY(SELECT extract(epoch FROM bound)::float8
                             FROM unnest(s.histogram_bounds::text::timestamptz[]) AS bound)
           END                                    AS "bounds",
           -- Short values are stored with one byte of their length before them.
           CASE WHEN x.atttypid = 'numeric'::regtype
                THEN ARRAY(SELECT pg_column_size(bound) FROM unnest(s.histogram_bounds::text::numeric[]) AS bound)
                WHEN x.atttypid IN ('text'::regtype, 'varchar'::regtype)
                THEN ARRAY(SELECT octet_length(bound) + 1 FROM unnest(s.histogram_bounds::text::text[]) AS bound)
           END                                    AS "widths",
           s.most_common_elem_freqs               AS "elements",
           s.elem_count_histogram                 AS "elementCounts"
      FROM pg_index i
      JOIN pg_attribute x      ON x.attrelid = i.indexrelid
      JOIN pg_class t          ON t.oid = i.indrelid
      JOIN pg_namespace n      ON n.oid = t.relnamespace
      -- A text made from a text, as by lower(), is taken to differ as often as that.
      LEFT JOIN LATERAL (SELECT max(d.refobjsubid) AS number
                           FROM pg_depend d
                           JOIN pg_attribute b ON b.attrelid = d.refobjid AND b.attnum = d.refobjsubid
                          WHERE i.indkey[x.attnum - 1] = 0
                            AND i.indnatts = 1
                            AND d.classid = 'pg_class'::regclass
                            AND d.objid = i.indexrelid
                            AND d.refclassid = 'pg_class'::regclass
                            AND d.refobjid = i.indrelid
                            AND b.attnum > 0
                            AND b.atttypid IN ('text'::regtype, 'varchar'::regtype)
                            AND x.atttypid IN ('text'::regtype, 'varchar'::regtype)
                         HAVING count(*) = 1) f ON true
      LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid
                              AND a.attnum = coalesce(nullif(i.indkey[x.attnum - 1], 0), f.number)
                              AND a.attnum > 0
      LEFT JOIN LATERAL (SELECT * FROM pg_stats s
                          WHERE s.schemaname = n.nspname AND s.tablename = t.relname AND s.attname = a.attname
                          ORDER BY s.inherited
                          LIMIT 1) s ON true
     WHERE i.indexrelid = $1
     ORDER BY x.attnum
    `,
    [index],
  );
  return rows.map((row) => ({
    column: row.column,
    length: row.length,
    align: aligns[row.align] ?? 1,
    type: row.type,
    columnType: row.columnType,
    key: row.key,
    equalImage: row.equalImage,
    sorted: row.sorted,
    width: row.length > 0 ? row.length : (row.width ?? unknownWidth),
    nullFraction: row.nullFraction ?? 0,
    distinct: distinctOf(row.distinct),
    frequencies: row.frequencies ?? [],
    bounds: row.bounds,
    widths: row.widths !== null && row.widths.length > 1 ? row.widths : null,
    elements: elementsOf(row),
  }));
}

function distinctOf(known: number | null): (rows: number) => number {
  if (known === null || known === 0) return (rows) => Math.min(rows, unknownDistinct);
  return known > 0 ? (rows) => Math.min(rows, known) : (rows) => Math.max(1, -known * rows);
}

function elementsOf({ elements, elementCounts }: Row): IndexColumn['elements'] {
  if (elements === null) return null;
  // The last numbers are the least and greatest frequency, and that of null elements.
  const shares = elements.slice(0, -2);
  return { perRow: elementCounts?.at(-1) ?? null, shares: shares.toSorted((a, b) => b - a) };
}
