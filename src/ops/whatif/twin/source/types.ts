import { notOfExtension, type Source, userNamespace } from './source.ts';

export interface SourceExtension {
  name: string;
  schema: string;
}

export async function readSchemas(source: Source): Promise<string[]> {
  const rows = await source.read<{ name: string }>(`
    SELECT n.nspname AS "name"
      FROM pg_namespace n
     WHERE ${userNamespace}
       AND ${notOfExtension('pg_namespace', 'n.oid')}
     ORDER BY n.oid
  `);
  return rows.map(({ name }) => name);
}

export function readExtensions(source: Source): Promise<SourceExtension[]> {
  return source.read<SourceExtension>(`
    SELECT e.extname AS "name",
           n.nspname AS "schema"
      FROM pg_extension e
      JOIN pg_namespace n ON n.oid = e.extnamespace
     WHERE e.extname <> 'plpgsql'
     ORDER BY e.oid
  `);
}

/** Something that is made by one statement, as PostgreSQL itself writes it or as we put it together. */
export interface SourceObject {
  subject: string;
  sql: string;
}

/** Collations, enums, domains, composite and range types, in the order in which they were made. */
export async function readTypes(source: Source): Promise<SourceObject[]> {
  const collations = await source.read<SourceObject>(`
    SELECT format('collation %I.%I', n.nspname, c.collname) AS "subject",
           format('CREATE COLLATION %I.%I (PROVIDER = %s, DETERMINISTIC = %s, LOCALE = %L)',
                  n.nspname, c.collname,
                  CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
                  c.collisdeterministic::text,
                  -- The column's name changed with 17.
                  coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale', c.collcollate)) AS "sql"
      FROM pg_collation c
      JOIN pg_namespace n ON n.oid = c.collnamespace
     WHERE ${userNamespace}
       AND ${notOfExtension('pg_collation', 'c.oid')}
     ORDER BY c.oid
  `);
  const types = await source.read<SourceObject>(`
    SELECT format('type %I.%I', n.nspname, t.typname) AS "subject",
           CASE t.typtype
             WHEN 'e' THEN format('CREATE TYPE %I.%I AS ENUM (%s)', n.nspname, t.typname, (
               SELECT coalesce(string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder), '')
                 FROM pg_enum e
                WHERE e.enumtypid = t.oid))
             WHEN 'd' THEN format('CREATE DOMAIN %I.%I AS %s%s%s%s%s', n.nspname, t.typname,
               format_type(t.typbasetype, t.typtypmod),
               (SELECT format(' COLLATE %I.%I', cn.nspname, co.collname)
                  FROM pg_collation co
                  JOIN pg_namespace cn ON cn.oid = co.collnamespace
                  JOIN pg_type b       ON b.oid = t.typbasetype
                 WHERE co.oid = t.typcollation AND t.typcollation <> b.typcollation),
               ' DEFAULT ' || pg_get_expr(t.typdefaultbin, 0),
               CASE WHEN t.typnotnull THEN ' NOT NULL' END,
               (SELECT string_agg(format(' CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), '' ORDER BY k.oid)
                  FROM pg_constraint k
                 WHERE k.contypid = t.oid AND k.contype = 'c' AND k.convalidated))
             WHEN 'c' THEN format('CREATE TYPE %I.%I AS (%s)', n.nspname, t.typname, (
               SELECT coalesce(string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum), '')
                 FROM pg_attribute a
                WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))
             WHEN 'r' THEN (
               SELECT format('CREATE TYPE %I.%I AS RANGE (SUBTYPE = %s%s%s, MULTIRANGE_TYPE_NAME = %I.%I)', n.nspname, t.typname,
                             format_type(r.rngsubtype, NULL),
                             (SELECT format(', SUBTYPE_OPCLASS = %I.%I', pn.nspname, p.opcname)
                                FROM pg_opclass p
                                JOIN pg_namespace pn ON pn.oid = p.opcnamespace
                               WHERE p.oid = r.rngsubopc),
                             CASE WHEN r.rngsubdiff <> 0 THEN format(', SUBTYPE_DIFF = %s', r.rngsubdiff) END,
                             n.nspname, m.typname)
                 FROM pg_range r
                 JOIN pg_type m ON m.oid = r.rngmultitypid
                WHERE r.rngtypid = t.oid)
           END AS "sql"
      FROM pg_type t
      JOIN pg_namespace n  ON n.oid = t.typnamespace
      LEFT JOIN pg_class c ON c.oid = t.typrelid
     WHERE t.typtype IN ('e', 'd', 'c', 'r')
       AND (t.typrelid = 0 OR c.relkind = 'c')
       AND ${userNamespace}
       AND ${notOfExtension('pg_type', 't.oid')}
     ORDER BY t.oid
  `);
  return [...collations, ...types];
}
