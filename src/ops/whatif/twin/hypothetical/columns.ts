import type pg from 'pg';
import { boundsSql, type SizedColumn, widthsSql } from '../../../sizes/index.ts';
import { expressionStatistics } from './expression.ts';

/** The most frequent elements, as `pg_stats` has them. */
export interface ElementStatistics {
  /** Different elements of a row; not known of text search vectors. */
  perRow: number | null;
  /** Shares of the rows, largest first. */
  shares: readonly number[];
  /** Mean bytes of one, without header. */
  bytes: number;
}

/** What is known of one column of an index. */
export interface IndexColumn extends SizedColumn {
  /** The table's column; `null` for an expression. */
  column: string | null;
  /** How a GIN index takes values apart: the name of its operator class. */
  operatorClass: string | null;
  /** Statistics of the elements of arrays and text search vectors; `null` without. */
  elements: ElementStatistics | null;
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

interface Row extends Omit<IndexColumn, 'elements'> {
  elementShares: number[] | null;
  elementBytes: number | null;
  elementCounts: number[] | null;
}

/**
 * The columns of an index that is on the twin and will hold so many rows, with what statistics say of the table's columns. Runs in a
 * transaction.
 */
export async function indexColumns(owner: pg.Client, index: number, indexed: number): Promise<IndexColumn[]> {
  const { rows } = await owner.query<Row>(
    `
    SELECT a.attname                              AS "column",
           x.attlen                               AS "length",
           CASE x.attalign WHEN 'd' THEN 8 WHEN 'i' THEN 4 WHEN 's' THEN 2 ELSE 1 END AS "alignment",
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
           s.null_frac                            AS "nullShare",
           s.avg_width                            AS "averageWidth",
           s.n_distinct                           AS "distinct",
           s.most_common_freqs                    AS "commonShares",
           ${boundsSql('a.atttypid', 's.histogram_bounds')} AS "bounds",
           ${widthsSql('x.atttypid', 'coalesce(s.histogram_bounds, s.most_common_vals)')} AS "widths",
           (SELECT o.opcname FROM pg_opclass o
             WHERE x.attnum <= i.indnkeyatts AND o.oid = i.indclass[x.attnum - 1]) AS "operatorClass",
           -- The numbers after those of the elements are of something else.
           s.most_common_elem_freqs[:cardinality(s.most_common_elems::text::text[])] AS "elementShares",
           (SELECT avg(octet_length(e))::float8 FROM unnest(s.most_common_elems::text::text[]) AS e) AS "elementBytes",
           s.elem_count_histogram                 AS "elementCounts"
      FROM pg_index i
      JOIN pg_attribute x      ON x.attrelid = i.indexrelid
      JOIN pg_class t          ON t.oid = i.indrelid
      JOIN pg_namespace n      ON n.oid = t.relnamespace
      LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid
                              AND a.attnum = i.indkey[x.attnum - 1]
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
  const columns: IndexColumn[] = [];
  for (const [position, row] of rows.entries()) {
    const derived = row.column === null && (await expressionStatistics(owner, index, position + 1, indexed));
    columns.push({ ...row, ...derived, elements: elementsOf(row) });
  }
  return columns;
}

function elementsOf({ elementShares, elementBytes, elementCounts }: Row): ElementStatistics | null {
  if (elementShares === null) return null;
  return {
    perRow: elementCounts?.at(-1) ?? null,
    shares: elementShares.toSorted((a, b) => b - a),
    bytes: elementBytes ?? 4,
  };
}
