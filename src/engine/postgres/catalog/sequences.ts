import type { DatabaseConnection } from '../connection.ts';
import { type Reading, read } from './reading.ts';

/** A sequence and how much of its range is used up. */
export interface SequenceRow {
  schema: string;
  name: string;
  /** `schema.table.column` that owns it. */
  ownedBy: string | null;
  dataType: string;
  /** Starts again at its end, unless a column ends before. */
  cycles: boolean;
  /** As text: it may exceed JavaScript's safe integers. `null` when not yet used or not readable. */
  lastValue: string | null;
  /** The last value that both the sequence and the columns it fills can hold. */
  limit: string;
  /** The column that ends before the sequence does, because its type holds less; `null` when there is none. */
  narrowColumn: { name: string; type: string } | null;
  /** Share of the range up to the limit, 0–1; `null` when not known. */
  used: number | null;
  readable: boolean;
  /** Locked by another session, so not read this time. */
  locked: boolean;
}

/**
 * Sequences of the current database. Reading a sequence locks it weakly, so one that another session holds exclusively
 * (ALTER SEQUENCE, TRUNCATE … RESTART IDENTITY) is not read this time.
 */
export async function readSequences(connection: DatabaseConnection): Promise<Reading<SequenceRow>> {
  const reading = await read<SequenceRow>(
    connection,
    'sequences',
    `
    WITH sequence AS MATERIALIZED (
      SELECT c.oid, n.nspname, c.relname, s.*,
             (has_sequence_privilege(c.oid, 'SELECT, USAGE')
               AND has_schema_privilege(n.oid, 'USAGE')) IS TRUE AS readable,
             c.oid IN (SELECT relation FROM pg_lock_status()
                        WHERE relation IS NOT NULL AND granted
                          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                          AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')) AS locked
        FROM pg_sequence s
        JOIN pg_class c     ON c.oid = s.seqrelid AND c.relpersistence = 'p'
        JOIN pg_namespace n ON n.oid = c.relnamespace
    ), valued AS MATERIALIZED (
      SELECT *, CASE WHEN readable AND NOT locked THEN pg_sequence_last_value(oid) END AS value
        FROM sequence
    ), filled AS (
      -- Columns that own a sequence (serial, identity) …
      SELECT d.objid AS sequence, d.refobjid AS relation, d.refobjsubid AS position
        FROM pg_depend d
       WHERE d.classid = 'pg_class'::regclass AND d.objid IN (SELECT oid FROM sequence)
         AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
       UNION
      -- … and those whose default is its next value (nextval is function 1574), cast to int4 (480) or int2 (714) or not.
      -- Told by the stored tree, because pg_get_expr locks the table.
      SELECT d.refobjid, f.adrelid, f.adnum
        FROM pg_depend d
        JOIN pg_attrdef f ON f.oid = d.objid
       WHERE d.classid = 'pg_attrdef'::regclass
         AND d.refclassid = 'pg_class'::regclass AND d.refobjid IN (SELECT oid FROM sequence)
         AND f.adbin::text ~ '^\\{FUNCEXPR :funcid (1574 |(480|714) .*:args \\(\\{FUNCEXPR :funcid 1574 )'
    ), narrowest AS (
      SELECT DISTINCT ON (f.sequence)
             f.sequence, w.lowest, w.highest,
             format('%s.%s.%s', n.nspname, c.relname, a.attname) AS name,
             format_type(w.type, NULL)                           AS type
        FROM filled f
        JOIN pg_class c     ON c.oid = f.relation
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = f.relation AND a.attnum = f.position
        JOIN pg_type t      ON t.oid = a.atttypid
        JOIN (VALUES ('int2'::regtype, -32768::int8, 32767::int8), ('int4', -2147483648, 2147483647))
             AS w (type, lowest, highest) ON w.type = coalesce(nullif(t.typbasetype, 0), t.oid)
       ORDER BY f.sequence, w.highest, f.relation, f.position
    ), limited AS (
      SELECT v.*, n.name AS column_name, n.type AS column_type,
             CASE WHEN seqincrement > 0 THEN seqmax > highest ELSE seqmin < lowest END IS TRUE AS narrow,
             CASE WHEN seqincrement > 0 THEN least(seqmax, highest) ELSE greatest(seqmin, lowest) END AS last
        FROM valued v
        LEFT JOIN narrowest n ON n.sequence = v.oid
    )
    SELECT v.nspname                                     AS "schema",
           v.relname                                     AS "name",
           (SELECT format('%s.%s.%s', tn.nspname, t.relname, a.attname)
              FROM pg_depend d
              JOIN pg_class t      ON t.oid = d.refobjid
              JOIN pg_namespace tn ON tn.oid = t.relnamespace
              JOIN pg_attribute a  ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
             WHERE d.classid = 'pg_class'::regclass AND d.objid = v.oid
               AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
             LIMIT 1)                                    AS "ownedBy",
           format_type(v.seqtypid, NULL)                 AS "dataType",
           v.seqcycle AND NOT v.narrow                   AS "cycles",
           v.value::text                                 AS "lastValue",
           v.last::text                                  AS "limit",
           CASE WHEN v.narrow THEN jsonb_build_object('name', v.column_name, 'type', v.column_type)
           END                                           AS "narrowColumn",
           CASE WHEN NOT v.readable OR v.locked THEN NULL
                WHEN v.seqincrement > 0
                THEN least(1, (coalesce(v.value, v.seqmin) - v.seqmin::numeric) / greatest(v.last - v.seqmin::numeric, 1))
                ELSE least(1, (v.seqmax - coalesce(v.value, v.seqmax)::numeric) / greatest(v.seqmax - v.last::numeric, 1))
           END                                           AS "used",
           v.readable                                    AS "readable",
           v.locked                                      AS "locked"
      FROM limited v
    `,
  );
  const hidden = reading.rows.filter((row) => !row.readable);
  const [first] = hidden;
  if (first) {
    reading.skipped.push({
      subject: 'sequences',
      reason: `${hidden.length} of ${reading.rows.length} sequences may not be read by this role, ${first.schema}.${first.name} among them`,
      fix: `GRANT SELECT ON ALL SEQUENCES IN SCHEMA … TO ${connection.user}, or GRANT pg_read_all_data TO ${connection.user}`,
    });
  }
  const locked = reading.rows.filter((row) => row.locked);
  if (locked.length > 0) {
    reading.skipped.push({
      subject: 'sequences',
      reason: `${locked.length} sequences are locked by other sessions and are read next time`,
      fix: null,
    });
  }
  return reading;
}
