import { type CatalogReader, numberIn, numbersIn, readRows, textIn } from './reading.ts';

export interface Type {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** A domain has checks, which may call functions. */
  readonly isDomain: boolean;
  /** What it consists of: the type below a domain, the elements of an array, of a range, the columns of a composite type. */
  readonly parts: readonly number[];
  /** The array of it; 0 where there is none. */
  readonly array: number;
}

/** Types, but the row types of tables and the arrays of those. */
export async function readTypes(reader: CatalogReader): Promise<Type[]> {
  const rows = await readRows(
    reader,
    `
    SELECT /* pitcrew */
           t.oid                            AS "oid",
           n.nspname                        AS "schema",
           t.typname                        AS "name",
           t.typtype                        AS "kind",
           t.typarray                       AS "array",
           concat_ws(',', nullif(t.typbasetype, 0),
                     CASE WHEN t.typcategory = 'A' THEN nullif(t.typelem, 0) END,
                     r.rngsubtype,
                     (SELECT string_agg(a.atttypid::text, ',')
                        FROM pg_attribute a
                       WHERE a.attrelid = nullif(t.typrelid, 0) AND a.attnum > 0 AND NOT a.attisdropped)) AS "parts"
      FROM pg_type t
      JOIN pg_namespace n ON n.oid = t.typnamespace
      LEFT JOIN pg_range r ON t.oid IN (r.rngtypid, r.rngmultitypid)
      LEFT JOIN pg_type e  ON t.typcategory = 'A' AND e.oid = t.typelem
     WHERE NOT EXISTS (SELECT FROM pg_class c
                        WHERE c.oid IN (nullif(t.typrelid, 0), nullif(e.typrelid, 0)) AND c.relkind <> 'c')
    `,
  );
  return rows.map((row) => ({
    oid: numberIn(row, 'oid'),
    schema: textIn(row, 'schema'),
    name: textIn(row, 'name'),
    isDomain: row['kind'] === 'd',
    parts: numbersIn(row, 'parts'),
    array: numberIn(row, 'array'),
  }));
}
