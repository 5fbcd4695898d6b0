import { PitcrewError } from '../../errors.ts';
import type { Database } from './database.ts';
import { quoted, quotedTable, type TableReference } from './names.ts';

/** How values of a column are written as text. */
export type Form = 'bytea' | 'json' | 'text';

export interface Column {
  name: string;
  /** Its type, that of a domain's bottom, without length or precision: assigning it to the column checks those. */
  type: string;
  /** Whether values can come as `type[]`: not those that are arrays or rows themselves, nor those with a delimiter of their own. */
  inArrays: boolean;
  form: Form;
  /** With its precision, where the server would round to it when it assigns. */
  rounded: string | null;
  /** Where it is not the database's. */
  collation: string | null;
  nullable: boolean;
  /** Computed by the server from other columns. */
  generated: boolean;
  /** `GENERATED ALWAYS AS IDENTITY`. */
  alwaysIdentity: boolean;
}

export interface UniqueKey {
  columns: string[];
  primary: boolean;
  /** Two rows with null in it are not the same. */
  nullsDistinct: boolean;
  /** Duplicates are refused at once, not at the end of the transaction. */
  immediate: boolean;
}

export interface Relation {
  /** Quoted, with its schema. */
  sql: string;
  name: string;
  columns: Column[];
  /** Without partial ones and those on expressions. */
  keys: UniqueKey[];
  /** Whether COPY does the same as INSERT: there are no rules, views or row-level security that it would pass by. */
  copyable: boolean;
}

// One document, as text: the application may have its own parsers for other types.
const relationSql = `/* pitcrew */
SELECT json_build_object(
         'schema',   n.nspname,
         'name',     c.relname,
         'copyable', c.relkind IN ('r', 'p', 'f') AND NOT c.relhasrules AND NOT row_security_active(c.oid),
         'columns', (SELECT json_agg(json_build_object(
                              'name',           a.attname,
                              'type',           format('%I.%I', tn.nspname, t.typname),
                              'inArrays',       t.typarray <> 0 AND t.typtype <> 'c' AND t.typcategory <> 'A' AND t.typdelim = ',',
                              'form',           CASE t.oid WHEN 17 THEN 'bytea' WHEN 114 THEN 'json' WHEN 3802 THEN 'json' ELSE 'text' END,
                              -- numeric, time, timestamp and interval round; strings of characters or bits are refused when they are too long
                              'rounded',        CASE WHEN coalesce(bottom.typmod, a.atttypmod) >= 0 AND t.oid IN (1700, 1083, 1266, 1114, 1184, 1186)
                                                     THEN format_type(t.oid, coalesce(bottom.typmod, a.atttypmod)) END,
                              'collation',      CASE WHEN l.oid IS NOT NULL THEN format('%I.%I', ln.nspname, l.collname) END,
                              'nullable',       NOT a.attnotnull,
                              'generated',      a.attgenerated <> '',
                              'alwaysIdentity', a.attidentity = 'a'
                            ) ORDER BY a.attnum)
                       FROM pg_catalog.pg_attribute a
                       JOIN pg_catalog.pg_type own     ON own.oid = a.atttypid
                       LEFT JOIN LATERAL (
                              WITH RECURSIVE down (oid, typmod, depth) AS (
                                SELECT own.typbasetype, own.typtypmod, 1
                                 WHERE own.typtype = 'd'
                                 UNION ALL
                                SELECT d.typbasetype, d.typtypmod, depth + 1
                                  FROM down JOIN pg_catalog.pg_type d ON d.oid = down.oid AND d.typtype = 'd'
                              )
                              SELECT down.oid, down.typmod FROM down ORDER BY depth DESC LIMIT 1
                            ) bottom                   ON own.typtype = 'd'
                       JOIN pg_catalog.pg_type t       ON t.oid = coalesce(bottom.oid, own.oid)
                       JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
                       LEFT JOIN pg_catalog.pg_collation l  ON l.oid = a.attcollation AND l.oid <> 100
                       LEFT JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace
                      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
         'keys',    (SELECT json_agg(json_build_object(
                              'columns',       (SELECT json_agg(a.attname ORDER BY k.n)
                                                  FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, n)
                                                  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
                                                 WHERE k.n <= i.indnkeyatts),
                              'primary',       i.indisprimary,
                              'nullsDistinct', NOT i.indnullsnotdistinct,
                              'immediate',     i.indimmediate
                            ) ORDER BY i.indisprimary DESC, i.indexrelid)
                       FROM pg_catalog.pg_index i
                      WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL)
       )::text AS relation
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid = to_regclass($1)`;

/**
 * Reads what there is to know of a table for writing to it and reading from it.
 * @throws `E_NOT_FOUND` when there is none of that name
 */
async function readRelation(database: Database, table: TableReference): Promise<Relation> {
  const name = quotedTable(table);
  const { rows } = await database.query(relationSql, [name]);
  const document = rows[0]?.['relation'];
  if (typeof document !== 'string') throw new PitcrewError('E_NOT_FOUND', `there is no table ${name}`);
  const read = JSON.parse(document) as Omit<Relation, 'sql' | 'keys' | 'columns'> & {
    schema: string;
    columns: Column[] | null;
    keys: UniqueKey[] | null;
  };
  return {
    sql: `${quoted(read.schema)}.${quoted(read.name)}`,
    name: `${read.schema}.${read.name}`,
    columns: read.columns ?? [],
    keys: read.keys ?? [],
    copyable: read.copyable,
  };
}

/** How long it is believed that a table is as it was, in ms. What does not fit any more mostly fails, and is forgotten at once. */
const believedMs = 60_000;

const known = new WeakMap<Database, Map<string, { relation: Promise<Relation>; readAt: number }>>();

/** As `readRelation`, but asked once a minute for each database and table, until something of it fails. */
function knownRelation(database: Database, table: TableReference): Promise<Relation> {
  let relations = known.get(database);
  if (!relations) known.set(database, (relations = new Map<string, { relation: Promise<Relation>; readAt: number }>()));
  const name = quotedTable(table);
  const now = performance.now();
  let entry = relations.get(name);
  if (!entry || now - entry.readAt > believedMs) {
    entry = { relation: readRelation(database, table), readAt: now };
    relations.set(name, entry);
    entry.relation.catch(() => relations.delete(name));
  }
  return entry.relation;
}

/** Makes something of what is known of a table; when that does not fit, of what the table is now. */
export async function fromRelation<Made>(
  database: Database,
  table: TableReference,
  make: (relation: Relation) => Made,
): Promise<Made> {
  const relation = await knownRelation(database, table);
  try {
    return make(relation);
  } catch {
    forgetRelations(database);
    return make(await knownRelation(database, table));
  }
}

export function forgetRelations(database: Database): void {
  known.delete(database);
}

/**
 * Columns by their names.
 * @throws `E_USAGE` for one that the table does not have
 */
export function columnsNamed(relation: Relation, names: readonly string[]): Column[] {
  return names.map((name) => {
    const column = relation.columns.find((each) => each.name === name);
    if (column) return column;
    throw new PitcrewError('E_USAGE', `${relation.name} has no column ${JSON.stringify(name)}`, {
      hint: `It has ${relation.columns.map((each) => each.name).join(', ')}.`,
    });
  });
}

/**
 * The columns that tell rows apart: those that were named, else the primary key's.
 * @throws `E_USAGE` when none were named and there is no primary key
 */
export function keyOf(relation: Relation, named: string | readonly string[] | undefined): Column[] {
  const names = named === undefined ? relation.keys.find(({ primary }) => primary)?.columns : [named].flat();
  if (names && names.length > 0) return columnsNamed(relation, names);
  throw new PitcrewError('E_USAGE', `${relation.name} has no primary key`, { hint: 'Name the columns in `key`.' });
}
