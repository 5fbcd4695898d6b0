import type pg from 'pg';
import { boundsSql, type SizedColumn, widthsSql } from '../../../sizes/index.ts';

/** What is known of one column of an index. */
export interface IndexColumn extends SizedColumn {
  /** The table's column; `null` for an expression. */
  column: string | null;
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

interface Row extends Omit<IndexColumn, 'elements'> {
  elements: number[] | null;
  elementCounts: number[] | null;
}

/** The columns of an index that is on the twin, with what statistics say of the table's columns. */
export async function indexColumns(owner: pg.Client, index: number): Promise<IndexColumn[]> {
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
  return rows.map((row) => ({ ...row, elements: elementsOf(row) }));
}

function elementsOf({ elements, elementCounts }: Row): IndexColumn['elements'] {
  if (elements === null) return null;
  // The last numbers are the least and greatest frequency, and that of null elements.
  const shares = elements.slice(0, -2);
  return { perRow: elementCounts?.at(-1) ?? null, shares: shares.toSorted((a, b) => b - a) };
}
