import { momentTypes, catalogTypes } from './known-types.ts';
import { type CatalogReader, firstUserOid, numberIn, numbersIn, readRows, textIn, trueIn } from './reading.ts';

/** A relation that can be named in FROM. */
export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** As in pg_class: r table, p partitioned table, v view, m materialised view, f foreign table, S sequence. */
  readonly kind: string;
  /** p permanent, u unlogged, t temporary. */
  readonly persistence: string;
  readonly owner: string;
  readonly rowSecurity: boolean;
  readonly forcesRowSecurity: boolean;
  /** A view that looks at its relations with the rights of who asks. */
  readonly securityInvoker: boolean;
  /** Types of its columns that are not built in, or show names of the catalog. */
  readonly types: readonly number[];
}

/** All relations but those of TOAST and of other sessions (temporary ones). */
export async function readCatalogRelations(reader: CatalogReader): Promise<Relation[]> {
  const rows = await readRows(
    reader,
    `
    SELECT /* pitcrew */
           c.oid                                            AS "oid",
           n.nspname                                        AS "schema",
           c.relname                                        AS "name",
           c.relkind                                        AS "kind",
           c.relpersistence                                 AS "persistence",
           pg_get_userbyid(c.relowner)                      AS "owner",
           c.relrowsecurity                                 AS "rowSecurity",
           c.relforcerowsecurity                            AS "forced",
           c.reloptions IS NOT NULL AND (
             SELECT bool_or(o.option_value::boolean)
               FROM pg_options_to_table(c.reloptions) o
              WHERE o.option_name = 'security_invoker')     AS "invoker",
           t.oids                                           AS "types"
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN (
        SELECT attrelid, string_agg(DISTINCT atttypid::text, ',') AS oids
          FROM pg_attribute
         WHERE attnum > 0 AND NOT attisdropped
           AND (atttypid >= ${firstUserOid} OR atttypid IN (${[...catalogTypes].join(', ')}))
         GROUP BY attrelid) t ON t.attrelid = c.oid
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
       AND c.relpersistence <> 't'
       AND n.nspname <> 'pg_toast'
    `,
  );
  return rows.map((row) => ({
    oid: numberIn(row, 'oid'),
    schema: textIn(row, 'schema'),
    name: textIn(row, 'name'),
    kind: textIn(row, 'kind'),
    persistence: textIn(row, 'persistence'),
    owner: textIn(row, 'owner'),
    rowSecurity: trueIn(row, 'rowSecurity'),
    forcesRowSecurity: trueIn(row, 'forced'),
    securityInvoker: trueIn(row, 'invoker'),
    types: numbersIn(row, 'types'),
  }));
}

/** Children by parent: partitions, and tables that inherit. */
export async function readChildren(reader: CatalogReader): Promise<Map<number, number[]>> {
  const rows = await readRows(
    reader,
    `
    SELECT /* pitcrew */
           inhparent                     AS "parent",
           string_agg(inhrelid::text, ',') AS "children"
      FROM pg_inherits
      JOIN pg_class p ON p.oid = inhparent AND p.relkind IN ('r', 'p', 'f')
     GROUP BY inhparent
    `,
  );
  return new Map(rows.map((row) => [numberIn(row, 'parent'), [...numbersIn(row, 'children')]]));
}

/**
 * Names of columns that are a date or time wherever there is a column of that name: what is cast to one of them was no text.
 */
export async function readMomentColumns(reader: CatalogReader): Promise<Set<string>> {
  const rows = await readRows(
    reader,
    `
    SELECT /* pitcrew */
           a.attname AS "name"
      FROM pg_attribute a
      JOIN pg_class c ON c.oid = a.attrelid
     WHERE a.attnum > 0 AND NOT a.attisdropped
       AND c.oid >= ${firstUserOid}
       AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
     GROUP BY a.attname
    HAVING bool_and(a.atttypid IN (${[...momentTypes].join(', ')}))
    `,
  );
  return new Set(rows.map((row) => textIn(row, 'name')));
}

/** Roles to which row-level security does not apply. */
export async function readExemptRoles(reader: CatalogReader): Promise<Set<string>> {
  const rows = await readRows(
    reader,
    `
    SELECT /* pitcrew */
           rolname AS "name"
      FROM pg_roles
     WHERE rolsuper OR rolbypassrls
    `,
  );
  return new Set(rows.map((row) => textIn(row, 'name')));
}
