import { type DatabaseConnection, quoteIdentifier } from '../../../../../engine/postgres/index.ts';
import { count, percent } from '../../../../words/index.ts';
import type { Check, Finding } from '../../../types.ts';
import { judged, unknown } from '../../answers.ts';
import { thresholdsOf } from '../../thresholds.ts';
import { keyOf, quoted, spoken } from '../names.ts';

/** Tables of fewer rows than so many times the smallest are planned well enough. */
const timesSmall = 10;
/** The first value that is not listed is about so many times as frequent as the planner thinks. */
const leastSkew = 10;
/** Share of rows that the list leaves out. */
const leastRest = 0.2;
const newTarget = 1000;

interface Skewed {
  schema: string;
  table: string;
  name: string;
  rows: number;
  target: number;
  /** What stands in the catalog: -1 for the default. */
  ownTarget: number;
  listed: number;
  distinct: number;
  /** Share of rows of the rarest listed value. */
  rarest: number;
  /** Share of rows whose values are not listed. */
  rest: number;
}

export const statisticsTarget: Check = {
  id: 'statistics-target',
  title: 'Columns that need finer statistics',
  documentation: `
    The planner knows the most frequent values of a column, as many as its statistics target (100 by default), and takes all others for
    equally rare. Speaks up for columns that an index begins with, of tables of 100,000 rows or more, when that list is full, at
    least a fifth of the rows have values that are not in it, and the rarest listed value is still 10 times as
    frequent as the planner takes the next one to be: a filter on such a value is planned for a tenth of its rows.

    Info; the fix raises the target of that column to 1,000 and analyzes it. Columns that have that are left alone. Not known
    without the right to see any column's statistics.

    Source: \`pg_stats\`: \`most_common_freqs\`, \`n_distinct\`; \`pg_attribute\`: \`attstattarget\`.
  `,
  async run(context) {
    const { connection, profile } = context;
    const fromRows = timesSmall * thresholdsOf(context).smallTableRows;
    const large = await countLarge(connection, fromRows);
    if (large.tables > 0 && large.readable === 0) {
      return unknown(
        'This role may not see statistics of any large table',
        `GRANT pg_read_all_data TO ${profile.user}`,
      );
    }
    const columns = large.tables > 0 ? await readSkewed(connection, fromRows) : [];
    return judged({
      findings: columns.map(describe),
      fine: `Statistics are fine enough for what they describe (${count(large.readable)} large tables)`,
      untold:
        large.readable < large.tables
          ? [
              {
                reason: `Statistics of ${count(large.tables - large.readable)} large tables are hidden from this role`,
                fix: `GRANT pg_read_all_data TO ${profile.user}`,
              },
            ]
          : [],
    });
  },
};

async function countLarge(
  connection: DatabaseConnection,
  fromRows: number,
): Promise<{ tables: number; readable: number }> {
  const [row] = await connection.run<{ tables: number; readable: number }>(
    `
    SELECT count(*)                                                                AS "tables",
           count(*) FILTER (WHERE has_any_column_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid)) AS "readable"
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm') AND c.reltuples >= $1::float8 AND c.relpersistence <> 't'
       AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    `,
    [fromRows],
  );
  return row ?? { tables: 0, readable: 0 };
}

async function readSkewed(connection: DatabaseConnection, fromRows: number): Promise<Skewed[]> {
  return connection.runPlanned<Skewed>(
    `
    WITH front AS MATERIALIZED (
      SELECT DISTINCT c.oid, n.nspname, c.relname, c.reltuples, i.indkey[0] AS number
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_index i     ON i.indrelid = c.oid AND i.indisvalid AND i.indkey[0] > 0
       WHERE c.relkind IN ('r', 'm') AND c.reltuples >= $1::float8 AND c.relpersistence <> 't'
         AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    ), listed AS MATERIALIZED (
      SELECT l.*, a.attname, coalesce(a.attstattarget, -1) AS own,
             coalesce(nullif(a.attstattarget, -1), current_setting('default_statistics_target')::int4) AS target,
             cardinality(s.most_common_freqs)                        AS listed,
             CASE WHEN s.n_distinct > 0 THEN s.n_distinct ELSE -s.n_distinct * l.reltuples END::float8 AS different,
             s.most_common_freqs[cardinality(s.most_common_freqs)]::float8 AS rarest,
             (1 - s.null_frac - (SELECT sum(f) FROM unnest(s.most_common_freqs) f))::float8 AS rest
        FROM front l
        JOIN pg_attribute a ON a.attrelid = l.oid AND a.attnum = l.number
        JOIN pg_stats s     ON s.schemaname = l.nspname AND s.tablename = l.relname AND s.attname = a.attname
       WHERE NOT s.inherited AND s.most_common_freqs IS NOT NULL
    )
    SELECT nspname             AS "schema",
           relname             AS "table",
           attname             AS "name",
           reltuples::float8   AS "rows",
           target              AS "target",
           own                 AS "ownTarget",
           listed              AS "listed",
           different           AS "distinct",
           rarest              AS "rarest",
           rest                AS "rest"
      FROM listed
     WHERE listed >= target
       AND target < ${newTarget}
       AND rest >= ${leastRest}
       AND different > listed + 1
       AND rarest >= ${leastSkew} * rest / (different - listed)
     ORDER BY reltuples DESC
    `,
    [fromRows],
  );
}

function describe(column: Skewed): Finding {
  const table = { schema: column.schema, name: column.table };
  const others = Math.max(1, column.distinct - column.listed);
  const factor = column.rarest / (column.rest / others);
  const name = quoteIdentifier(column.name);
  return {
    check: statisticsTarget.id,
    key: keyOf(statisticsTarget.id, table, column.name),
    severity: 'info',
    subject: { kind: 'column', schema: column.schema, table: column.table, name: column.name },
    title: `${column.name} of ${spoken(table)} has more frequent values than its ${column.listed} statistics list`,
    explanation:
      `The planner takes each of about ${count(others)} other values to be in ${count((column.rest / others) * column.rows)} rows, but the rarest ` +
      `that it lists is in ${count(column.rarest * column.rows)}: filters on the next ones are planned for about a ${count(factor)}th of their rows.`,
    evidence: [
      { label: 'Rows', value: Math.round(column.rows), unit: 'rows' },
      { label: 'Different values, estimated', value: Math.round(column.distinct) },
      { label: 'Statistics target', value: column.target },
      { label: 'Rows that the list leaves out', value: percent(column.rest) },
    ],
    gain: { text: 'Plans that fit the values asked for' },
    remedy: {
      kind: 'statistics',
      fix: [
        `ALTER TABLE ${quoted(table)} ALTER COLUMN ${name} SET STATISTICS ${newTarget}`,
        `ANALYZE ${quoted(table)} (${name})`,
      ],
      undo: [
        `ALTER TABLE ${quoted(table)} ALTER COLUMN ${name} SET STATISTICS ${column.ownTarget}`,
        `ANALYZE ${quoted(table)} (${name})`,
      ],
      risk: 'low',
      riskDetail: 'ANALYZE of the table reads ten times as many rows from now on, and planning looks at a longer list.',
      appliable: true,
    },
  };
}
