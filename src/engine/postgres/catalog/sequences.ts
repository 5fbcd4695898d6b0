import type { DatabaseConnection } from '../connection.ts';
import { type Reading, read } from './reading.ts';

/** A sequence and how much of its range is used up. */
export interface SequenceRow {
  schema: string;
  name: string;
  /** `schema.table.column` that owns it. */
  ownedBy: string | null;
  dataType: string;
  cycles: boolean;
  /** As text: it may exceed JavaScript's safe integers. `null` when not yet used or not readable. */
  lastValue: string | null;
  limit: string;
  /** Share of the range from start to limit, 0–1; `null` when not known. */
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
           v.seqcycle                                    AS "cycles",
           v.value::text                                 AS "lastValue",
           CASE WHEN v.seqincrement > 0 THEN v.seqmax ELSE v.seqmin END::text AS "limit",
           CASE WHEN NOT v.readable OR v.locked THEN NULL
                WHEN v.seqincrement > 0
                THEN (coalesce(v.value, v.seqmin) - v.seqmin::numeric) / greatest(v.seqmax - v.seqmin::numeric, 1)
                ELSE (v.seqmax - coalesce(v.value, v.seqmax)::numeric) / greatest(v.seqmax - v.seqmin::numeric, 1)
           END                                           AS "used",
           v.readable                                    AS "readable",
           v.locked                                      AS "locked"
      FROM valued v
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
