import { type CatalogReader, numberIn, readRows, textIn } from './reading.ts';

/** How values of a key are compared: as whole numbers, UUIDs or texts. */
export type KeyKind = 'integer' | 'uuid' | 'text';

export interface KeyColumn {
  readonly name: string;
  readonly kind: KeyKind;
}

interface IndexColumn {
  name: string;
  /** `null`: equal values may look different (numeric, citext, collations that are not deterministic). */
  kind: KeyKind | null;
}

/**
 * The columns by which the change stream tells which rows of a table were changed (its replica identity: the primary key,
 * or a unique index that was chosen), in the order of the table, by table. Only of tables where equal keys look equal.
 */
export async function readIdentities(reader: CatalogReader): Promise<Map<number, readonly KeyColumn[]>> {
  const rows = await readRows(
    reader,
    `
    SELECT /* pitcrew */
           i.indrelid                                       AS "table",
           json_agg(json_build_object(
             'name', a.attname,
             'kind', CASE WHEN a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) THEN 'integer'
                          WHEN a.atttypid = 'uuid'::regtype THEN 'uuid'
                          WHEN a.atttypid IN ('text'::regtype, 'varchar'::regtype) AND l.collisdeterministic THEN 'text'
                     END) ORDER BY a.attnum)                AS "columns"
      FROM pg_index i
      JOIN pg_class c     ON c.oid = i.indrelid AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
      JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
     CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
      LEFT JOIN pg_collation l ON l.oid = a.attcollation
     WHERE CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END
       AND i.indisvalid AND i.indislive
       AND k.place <= i.indnkeyatts
     GROUP BY i.indexrelid, i.indrelid
    `,
  );
  const identities = new Map<number, readonly KeyColumn[]>();
  for (const row of rows) {
    const columns = JSON.parse(textIn(row, 'columns')) as IndexColumn[];
    if (columns.every(isComparable)) identities.set(numberIn(row, 'table'), columns);
  }
  return identities;
}

function isComparable(column: IndexColumn): column is KeyColumn {
  return column.kind !== null;
}
