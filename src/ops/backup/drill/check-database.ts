import { quoteIdentifier } from '../../../engine/postgres/index.ts';
import { type Findings, isGone, reasonNotHere, saidOf } from './judge.ts';
import type { DrilledDatabase } from './record.ts';
import type { ScratchSession } from './session.ts';

export interface CheckOptions {
  session: ScratchSession;
  name: string;
  findings: Findings;
  /** Look for every row of a table in its indexes as well. */
  deep: boolean;
  /** Shared catalogs too: of one database only. */
  shared: boolean;
  /** In milliseconds since 1970: what is not looked at by then is left. */
  until: number;
  signal?: AbortSignal | undefined;
  onChecked(done: number, total: number): void;
}

interface Relation {
  oid: string;
  schema: string;
  name: string;
  kind: 'r' | 'm' | 't' | 'i';
  is_heap: boolean;
  /** An index whose order is by a collation that is another here. */
  other_order: boolean;
}

/** Tables that are stored, each with its own TOAST table, and their B-trees. What is unlogged is empty after a recovery. */
const relationsSql = `
  SELECT c.oid::text AS oid,
         n.nspname AS schema,
         c.relname AS name,
         c.relkind::text AS kind,
         c.relam = 2 AS is_heap,
         EXISTS (
           SELECT 1
             FROM unnest(i.indcollation::oid[]) AS used (oid)
             JOIN pg_collation o
               ON o.oid = used.oid
             JOIN pg_database d
               ON d.datname = current_database()
            WHERE CASE
                    WHEN o.collprovider = 'd' THEN d.datcollversion IS DISTINCT FROM pg_database_collation_actual_version(d.oid)
                    ELSE o.collversion IS DISTINCT FROM pg_collation_actual_version(o.oid)
                  END
         ) AS other_order
    FROM pg_class c
    JOIN pg_namespace n
      ON n.oid = c.relnamespace
    LEFT JOIN pg_index i
      ON i.indexrelid = c.oid
   WHERE c.relpersistence = 'p'
     AND (NOT c.relisshared OR $1)
     AND (
           (c.relkind IN ('r', 'm', 't') AND c.relispopulated)
        OR (c.relkind = 'i' AND c.relam = 403 AND i.indisvalid AND i.indisready)
         )
   ORDER BY c.oid`;

/** Only a scan of the table itself reads its rows. */
const readItselfSql = `
  SELECT set_config(name, 'off', false)
    FROM unnest(ARRAY['enable_indexonlyscan', 'enable_indexscan', 'enable_bitmapscan']) AS name`;

/** Reads every table of a database, and has amcheck look at tables and B-trees. */
export async function checkDatabase(options: CheckOptions): Promise<DrilledDatabase> {
  const { session, name, findings, until, signal } = options;
  const began = performance.now();
  const found: DrilledDatabase = { name, tables: 0, rows: 0, indexes: 0, skipped: 0, ms: 0 };
  const amcheck = await amcheckSchema(options);
  const relations = await session.query<Relation>(relationsSql, [options.shared]);
  await session.query(readItselfSql);
  for (const [place, relation] of relations.entries()) {
    signal?.throwIfAborted();
    const leftMs = until - Date.now();
    if (leftMs <= 0) {
      found.skipped += relations.length - place;
      findings.note(
        `${name}: there was no time left for ${relations.length - place} of ${relations.length} tables and indexes`,
      );
      break;
    }
    options.onChecked(place, relations.length);
    const title = `${name}: ${relation.schema}.${relation.name}`;
    try {
      await session.query(`SELECT set_config('statement_timeout', $1, false)`, [String(Math.ceil(leftMs))]);
      if (relation.kind === 'i') await checkIndex(options, relation, amcheck, found);
      else await checkTable(options, relation, amcheck, found);
    } catch (error) {
      signal?.throwIfAborted();
      found.skipped += 1;
      const reason = reasonNotHere(error);
      if (reason !== undefined) findings.note(`${title} could not be looked at: ${reason}`);
      else findings.problem(`${title}: ${saidOf(error)}`);
      if (isGone(error)) throw error;
    }
  }
  return { ...found, ms: Math.round(performance.now() - began) };
}

/** Installs amcheck where it is not, out of the way. @returns its schema; `undefined` when it cannot be had */
async function amcheckSchema({ session, name, findings }: CheckOptions): Promise<string | undefined> {
  const where = `
    SELECT n.nspname AS schema
      FROM pg_extension e
      JOIN pg_namespace n
        ON n.oid = e.extnamespace
     WHERE e.extname = 'amcheck'`;
  try {
    await disableEventTriggers(session);
    const [there] = await session.query<{ schema: string }>(where);
    if (there) {
      // Older ones do not know tables.
      await session.query('ALTER EXTENSION amcheck UPDATE');
      return there.schema;
    }
    await session.query('CREATE SCHEMA IF NOT EXISTS pitcrew_drill');
    await session.query('CREATE EXTENSION amcheck SCHEMA pitcrew_drill');
    return 'pitcrew_drill';
  } catch (error) {
    if (isGone(error)) throw error;
    findings.note(
      `${name}: amcheck could not be installed, so that tables were read and indexes not looked at: ${saidOf(error)}`,
    );
    return undefined;
  }
}

/** Before PostgreSQL 17 no setting of a session switches them off, and what they run may reach beyond this server. */
async function disableEventTriggers(session: ScratchSession): Promise<void> {
  const enabled = `SELECT evtname AS name FROM pg_event_trigger WHERE evtenabled <> 'D'`;
  for (const { name } of await session.query<{ name: string }>(enabled)) {
    await session.query(`ALTER EVENT TRIGGER ${quoteIdentifier(name)} DISABLE`);
  }
}

async function checkTable(
  { session, name, findings }: CheckOptions,
  { oid, schema, name: table, kind, is_heap: isHeap }: Relation,
  amcheck: string | undefined,
  found: DrilledDatabase,
): Promise<void> {
  // A TOAST table is read by what it belongs to.
  if (kind !== 't') {
    const [count] = await session.query<{ rows: string }>(
      `SELECT count(*) AS rows FROM ONLY ${quoteIdentifier(schema)}.${quoteIdentifier(table)}`,
    );
    found.tables += 1;
    found.rows += Number(count?.rows ?? 0);
  }
  if (amcheck === undefined || !isHeap) return;
  const sql = `
    SELECT blkno::text AS block, msg AS message
      FROM ${quoteIdentifier(amcheck)}.verify_heapam(relation => $1::oid::regclass, on_error_stop => true, check_toast => true)
     LIMIT 3`;
  for (const { block, message } of await session.query<{ block: string; message: string }>(sql, [oid])) {
    findings.problem(`${name}: ${schema}.${table} is damaged in block ${block}: ${message}`);
  }
}

async function checkIndex(
  { session, name, findings, deep }: CheckOptions,
  { oid, schema, name: index, other_order: isOtherOrder }: Relation,
  amcheck: string | undefined,
  found: DrilledDatabase,
): Promise<void> {
  if (amcheck === undefined) return;
  if (isOtherOrder) {
    found.skipped += 1;
    findings.note(
      `${name}: ${schema}.${index} is sorted by a collation that has another version here, and was not looked at`,
    );
    return;
  }
  await session.query(`SELECT ${quoteIdentifier(amcheck)}.bt_index_check($1::oid::regclass, $2)`, [oid, deep]);
  found.indexes += 1;
}
