import type pg from 'pg';

/** What the server itself says that a query depends on. */
export interface DependedOn {
  /** Relations by name as `regclass` shows it, sorted. */
  relations: { oid: number; name: string }[];
  /** Functions that are not built in, and those behind operators, casts and domains. */
  functions: { name: string; volatility: string; language: string; body: boolean }[];
  /** Built-in functions and operators of the query itself that are not immutable. */
  builtins: { name: string; volatility: string; operator: boolean }[];
}

/**
 * From the query's own temporary view on, everything that pg_depend, pg_inherits and policies lead to; what a materialised view
 * was made from is not read. Policies are looked at for all tables that have them.
 */
const dependedOn = `
  WITH RECURSIVE reached (class, id) AS (
    SELECT 'pg_class'::regclass::oid, 'the_query'::regclass::oid
     UNION
    SELECT next.class, next.id
      FROM reached r
     CROSS JOIN LATERAL (
       SELECT d.refclassid, d.refobjid
         FROM pg_rewrite w
         JOIN pg_class c  ON c.oid = w.ev_class AND c.relkind = 'v'
         JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
        WHERE r.class = 'pg_class'::regclass AND w.ev_class = r.id
        UNION ALL
       SELECT d.refclassid, d.refobjid
         FROM pg_policy p
         JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
        WHERE r.class = 'pg_class'::regclass AND p.polrelid = r.id AND p.polcmd IN ('r', '*')
        UNION ALL
       SELECT r.class, i.inhrelid
         FROM pg_inherits i
        WHERE r.class = 'pg_class'::regclass AND i.inhparent = r.id
        UNION ALL
       SELECT d.refclassid, d.refobjid
         FROM pg_depend d
        WHERE r.class = 'pg_proc'::regclass AND d.classid = r.class AND d.objid = r.id AND d.deptype = 'n'
        UNION ALL
       SELECT 'pg_proc'::regclass, o.oprcode
         FROM pg_operator o
        WHERE r.class = 'pg_operator'::regclass AND o.oid = r.id
        UNION ALL
       SELECT d.refclassid, d.refobjid
         FROM pg_constraint c
         JOIN pg_depend d ON d.classid = 'pg_constraint'::regclass AND d.objid = c.oid
        WHERE r.class = 'pg_type'::regclass AND c.contypid = r.id
     ) AS next (class, id)
  )`;

const relationsSql = `${dependedOn}
  SELECT c.oid::int AS oid, c.oid::regclass::text AS name
    FROM reached r
    JOIN pg_class c ON c.oid = r.id
   WHERE r.class = 'pg_class'::regclass AND c.oid <> 'the_query'::regclass AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
   ORDER BY 2`;

const functionsSql = `${dependedOn}
  SELECT p.oid::regproc::text AS name, p.provolatile AS volatility, l.lanname AS language, p.prosqlbody IS NOT NULL AS body
    FROM reached r
    JOIN pg_proc p     ON p.oid = r.id AND p.oid >= 16384
    JOIN pg_language l ON l.oid = p.prolang
   WHERE r.class = 'pg_proc'::regclass`;

const builtinsSql = `
  SELECT DISTINCT p.proname AS name, p.provolatile AS volatility, m[1] = 'opfuncid' AS operator
    FROM pg_rewrite w
   CROSS JOIN LATERAL regexp_matches(w.ev_action::text, ':(funcid|opfuncid|aggfnoid|winfnoid) ([0-9]+)', 'g') m
    JOIN pg_proc p ON p.oid = m[2]::oid
   WHERE w.ev_class = 'the_query'::regclass AND p.provolatile <> 'i' AND p.oid < 16384`;

/**
 * Asks the server by making a temporary view of the query, which is undone at once; `undefined` when it refuses the query.
 * Not for queries with parameters.
 */
export async function dependedOnBy(client: pg.Client, text: string): Promise<DependedOn | undefined> {
  await client.query('BEGIN');
  try {
    // Within another query, since a view's columns must have different names.
    const made = await client
      .query(`CREATE TEMP VIEW the_query AS SELECT 1 FROM (${text}) AS query`)
      .catch(() => undefined);
    if (!made) return undefined;
    return {
      relations: (await client.query<DependedOn['relations'][number]>(relationsSql)).rows,
      functions: (await client.query<DependedOn['functions'][number]>(functionsSql)).rows,
      builtins: (await client.query<DependedOn['builtins'][number]>(builtinsSql)).rows,
    };
  } finally {
    await client.query('ROLLBACK');
  }
}
