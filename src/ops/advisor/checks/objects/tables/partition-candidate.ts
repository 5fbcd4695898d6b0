import type { DatabaseConnection } from '../../../../../engine/postgres/index.ts';
import { bytes, count, percent } from '../../../../words/index.ts';
import type { Check, Finding, Untold } from '../../../types.ts';
import { judgedWholly } from '../../answers.ts';
import { thresholdsOf } from '../../thresholds.ts';
import { keyOf, spoken } from '../names.ts';

/** Rows lie in the order of the column, nearly all of them. */
const leastCorrelation = 0.95;
/** More updates than this share of inserts, and the table is no log. */
const mostUpdated = 0.2;

interface Large {
  schema: string;
  name: string;
  rows: number;
  bytes: number;
  inserts: number;
  updates: number;
  deletes: number;
  /** Columns of time in whose order the rows lie, the best first. */
  columns: string[];
  readable: boolean;
}

export const partitionCandidate: Check = {
  id: 'partition-candidate',
  title: 'Tables worth partitioning',
  documentation: `
    Speaks up when a table is larger than the machine's memory (100 GB where that is not known), rows come in the order of a
    column of dates or times (correlation of 0.95 or more), and at most a fifth as many are updated as inserted: partitions by time
    would keep the recent part small, and old rows would go by dropping a partition instead of by DELETE and VACUUM. A high share
    of deletes is said.

    Info: it changes the schema. Not known without the right to see the column's statistics.

    Source: \`pg_stats\`: \`correlation\`; \`pg_stat_user_tables\`.
  `,
  async run(context) {
    const { partitionFromBytes } = thresholdsOf(context);
    const tables = await readLarge(context.connection, partitionFromBytes, context.profile.blockSize);
    const untold = tables
      .filter(({ readable }) => !readable)
      .map(({ schema, name }): Untold => ({
        reason: `This role may not see statistics of ${spoken({ schema, name })}`,
        fix: `GRANT SELECT ON ${spoken({ schema, name })} TO ${context.profile.user}`,
      }));
    return judgedWholly({
      findings: tables
        .filter(({ columns, updates, inserts }) => columns.length > 0 && updates <= mostUpdated * Math.max(inserts, 1))
        .map(describe),
      fine: `No table of ${bytes(partitionFromBytes)} or more grows in the order of time`,
      evidence: [{ label: 'Tables of that size', value: tables.length }],
      untold,
    });
  },
};

async function readLarge(connection: DatabaseConnection, fromBytes: number, blockSize: number): Promise<Large[]> {
  return connection.run<Large>(
    `
    WITH large AS MATERIALIZED (
      SELECT c.oid, n.nspname, c.relname, c.reltuples,
             (c.relpages::int8 + coalesce(t.relpages, 0)) * ${blockSize} AS bytes
        FROM pg_class c
        JOIN pg_namespace n  ON n.oid = c.relnamespace
        LEFT JOIN pg_class t ON t.oid = c.reltoastrelid AND c.reltoastrelid <> 0
       WHERE c.relkind = 'r' AND NOT c.relispartition AND c.relpersistence <> 't'
         AND n.nspname NOT IN ('pg_catalog', 'information_schema')
         AND (c.relpages::int8 + coalesce(t.relpages, 0)) * ${blockSize} >= $1::float8
         AND NOT EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent))
    )
    SELECT l.nspname                                          AS "schema",
           l.relname                                          AS "name",
           greatest(l.reltuples, 0)::float8                   AS "rows",
           l.bytes                                            AS "bytes",
           coalesce(pg_stat_get_tuples_inserted(l.oid), 0)    AS "inserts",
           coalesce(pg_stat_get_tuples_updated(l.oid), 0)     AS "updates",
           coalesce(pg_stat_get_tuples_deleted(l.oid), 0)     AS "deletes",
           has_table_privilege(l.oid, 'SELECT')               AS "readable",
           ARRAY(SELECT s.attname::text
                   FROM pg_stats s
                   JOIN pg_attribute a ON a.attrelid = l.oid AND a.attname = s.attname
                  WHERE s.schemaname = l.nspname AND s.tablename = l.relname
                    AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
                    AND abs(s.correlation) >= ${leastCorrelation} AND s.null_frac = 0
                  ORDER BY abs(s.correlation) DESC, a.attnum) AS "columns"
      FROM large l
     ORDER BY l.bytes DESC
    `,
    [fromBytes],
  );
}

function describe(table: Large): Finding {
  const { rows, deletes, inserts, updates, columns } = table;
  const name = spoken(table);
  const deleted = deletes / Math.max(1, inserts + rows);
  return {
    check: partitionCandidate.id,
    key: keyOf(partitionCandidate.id, table),
    severity: 'info',
    subject: { kind: 'table', schema: table.schema, name: table.name },
    title: `${name} (${bytes(table.bytes)}, ${count(rows)} rows) grows in the order of ${columns[0]}`,
    explanation:
      `Partitioned by ${columns[0]}, its recent rows and their indexes would stay small, and statements about a time would read that part only.` +
      (deletes > 0
        ? ` Rows are deleted from it: dropping a partition does that at once, and leaves nothing to vacuum.`
        : ''),
    evidence: [
      { label: 'Size', value: table.bytes, unit: 'bytes' },
      { label: 'Rows', value: rows, unit: 'rows' },
      { label: 'Inserts', value: inserts },
      { label: 'Updates', value: updates },
      { label: 'Deletes', value: deletes },
      { label: 'Deleted', value: percent(Math.min(1, deleted)) },
      { label: 'In the order of', value: columns.join(', ') },
    ],
    gain: { text: 'Smaller indexes for recent rows, and old rows go without VACUUM' },
    remedy: {
      kind: 'manual',
      fix: [],
      undo: [],
      risk: 'high',
      riskDetail: `Primary key and unique constraints have to include ${columns[0]} then, and foreign keys to the table with them; statements that do not name it read every partition.`,
      appliable: false,
    },
  };
}
