import { type DatabaseConnection, quoteIdentifier } from '../../../../../engine/postgres/index.ts';
import { toPitcrewError } from '../../../../../errors.ts';
import { count, counted, percent } from '../../../../words/index.ts';
import type { Check, Finding, Untold } from '../../../types.ts';
import { judged, unknown } from '../../answers.ts';
import { thresholdsOf } from '../../thresholds.ts';
import { keyOf, quoted, spoken } from '../names.ts';

const sampledRows = 30_000;
/** Pairs are looked at in the largest tables first, so many at most. */
const mostPairs = 50;
/** Typical rows are so many times as many as the planner takes them for. */
const leastFactor = 5;
/** Combinations that a sample has fewer than so many rows of say nothing. */
const leastTogether = 10;

/** Two columns that are asked for together, as an index or a foreign key says. */
interface Pair {
  schema: string;
  table: string;
  rows: number;
  first: string;
  second: string;
  readable: boolean;
}

export const extendedStatistics: Check = {
  id: 'extended-statistics',
  title: 'Columns that depend on each other',
  documentation: `
    The planner takes the values of different columns to be independent: for *city = 'Rome' and country = 'Italy'* it multiplies two
    shares, and expects far too few rows. Extended statistics (CREATE STATISTICS) tell it otherwise.

    Looked at are pairs of columns that an index or a foreign key names together, in tables of 10,000 rows or more, without such
    statistics yet. For exact answers a sample of about 30,000 rows is read, and combinations of values counted: found when those that
    most rows have are typically 5 times as frequent as the shares of both columns would have it. Without a sample it
    is not known. Fine when there are no such pairs.

    Warning; the fix creates the statistics and analyzes the table, the undo drops them.

    Source: \`pg_index\`, \`pg_constraint\`, \`pg_statistic_ext\`; TABLESAMPLE SYSTEM.
  `,
  async run(context) {
    const { connection, profile, exact } = context;
    const pairs = await readPairs(connection, thresholdsOf(context).smallTableRows);
    const fine = { findings: [], fine: 'No columns that are asked for together depend on each other' };
    if (pairs.length === 0) return judged(fine);
    const readable = pairs.filter((pair) => pair.readable).slice(0, mostPairs);
    if (!exact) {
      return unknown(
        `Whether ${counted(pairs.length, 'pair')} of columns that are asked for together depend on each other shows only in a sample`,
        'ask for exact answers',
      );
    }
    if (readable.length === 0) {
      return unknown('This role may not read the tables in question', `GRANT pg_read_all_data TO ${profile.user}`);
    }
    const findings: Finding[] = [];
    const untold: Untold[] = [];
    const left = pairs.length - readable.length;
    if (left > 0) untold.push({ reason: `${counted(left, 'pair')} of columns were not looked at`, fix: null });
    for (const pair of readable) {
      try {
        const { factor, share } = await readDependence(connection, pair);
        if (factor >= leastFactor && share >= 0.5) findings.push(describe(pair, factor, share));
      } catch (error) {
        const { message, detail } = toPitcrewError(error);
        untold.push({
          reason: `${spoken({ schema: pair.schema, name: pair.table })} could not be read: ${detail ?? message}`,
          fix: null,
        });
      }
    }
    return judged({ ...fine, findings, untold });
  },
};

/** Neighbours among the first three columns of indexes, and columns of foreign keys, that no extended statistics name. */
async function readPairs(connection: DatabaseConnection, fromRows: number): Promise<Pair[]> {
  return connection.run<Pair>(
    `
    WITH together AS MATERIALIZED (
      SELECT i.indrelid AS relation, i.indkey[p] AS one, i.indkey[p + 1] AS other
        FROM pg_index i
       CROSS JOIN generate_series(0, 1) p
       WHERE p + 1 < i.indnkeyatts AND i.indkey[p] > 0 AND i.indkey[p + 1] > 0
       UNION
      SELECT k.conrelid, k.conkey[1], k.conkey[2]
        FROM pg_constraint k
       WHERE k.contype = 'f' AND cardinality(k.conkey) > 1
    )
    SELECT DISTINCT
           n.nspname             AS "schema",
           c.relname             AS "table",
           c.reltuples::float8   AS "rows",
           a.attname             AS "first",
           b.attname             AS "second",
           has_table_privilege(c.oid, 'SELECT') AS "readable"
      FROM together t
      JOIN pg_class c     ON c.oid = t.relation AND c.relkind IN ('r', 'm') AND NOT c.relispartition
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = least(t.one, t.other)
      JOIN pg_attribute b ON b.attrelid = c.oid AND b.attnum = greatest(t.one, t.other)
     WHERE c.reltuples >= $1::float8 AND c.relpersistence <> 't'
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
       -- Nothing depends on what is different in every row.
       AND NOT EXISTS (SELECT FROM pg_index u
                        WHERE u.indrelid = c.oid AND u.indisunique AND u.indnkeyatts = 1 AND u.indpred IS NULL
                          AND u.indkey[0] IN (t.one, t.other))
       AND NOT EXISTS (SELECT FROM pg_statistic_ext e
                        WHERE e.stxrelid = c.oid AND e.stxkeys::int2[] @> ARRAY[t.one, t.other]
                          AND ('f' = ANY (e.stxkind) OR 'm' = ANY (e.stxkind)))
     ORDER BY "rows" DESC, "schema", "table", "first", "second"
    `,
    [fromRows],
  );
}

/** How much more frequent combinations are than independent columns would have them, in the mean, and for which share of rows. */
async function readDependence(connection: DatabaseConnection, pair: Pair): Promise<{ factor: number; share: number }> {
  const percentage = Math.min(100, (100 * sampledRows) / Math.max(pair.rows, 1));
  const [row] = await connection.rolledBack({ statementTimeoutMs: 60_000, lockTimeoutMs: 100 }, (transaction) =>
    transaction.execute<{ factor: number | null; share: number | null }>(
      `
      SELECT /* pitcrew */
             exp(sum(together * ln(together * total / (one * other))) FILTER (WHERE together >= ${leastTogether})
                 / nullif(sum(together) FILTER (WHERE together >= ${leastTogether}), 0))::float8   AS "factor",
             (sum(together) FILTER (WHERE together >= ${leastTogether}) / max(total))::float8      AS "share"
        FROM (SELECT count(*)::float8                                    AS together,
                     (sum(count(*)) OVER (PARTITION BY a))::float8       AS one,
                     (sum(count(*)) OVER (PARTITION BY b))::float8       AS other,
                     (sum(count(*)) OVER ())::float8                     AS total
                FROM (SELECT ${quoteIdentifier(pair.first)} AS a, ${quoteIdentifier(pair.second)} AS b
                        FROM ${quoted({ schema: pair.schema, name: pair.table })} TABLESAMPLE SYSTEM ($1::float4)
                       LIMIT ${2 * sampledRows}) sampled
               WHERE a IS NOT NULL AND b IS NOT NULL
               GROUP BY a, b) counted
      `,
      [percentage],
    ),
  );
  return { factor: row?.factor ?? 1, share: row?.share ?? 0 };
}

function describe(pair: Pair, factor: number, share: number): Finding {
  const table = { schema: pair.schema, name: pair.table };
  const name = [...`${pair.table}_${pair.first}_${pair.second}`].slice(0, 40).join('');
  const statistics = quoted({ schema: pair.schema, name: `${name}_pitcrew` });
  return {
    check: extendedStatistics.id,
    key: keyOf(extendedStatistics.id, table, `${pair.first}+${pair.second}`),
    severity: 'warning',
    subject: { kind: 'table', schema: pair.schema, name: pair.table },
    title: `${pair.first} and ${pair.second} of ${spoken(table)} depend on each other`,
    explanation:
      `Rows with the same values in both are about ${count(factor)} times as many as the planner takes them for, because it ` +
      `multiplies the shares of both. Joins planned for too few rows are the usual harm.`,
    evidence: [
      { label: 'Times as many as planned for', value: Math.round(factor * 10) / 10 },
      { label: 'Rows of which that is known', value: percent(share) },
      { label: 'Rows', value: Math.round(pair.rows), unit: 'rows' },
    ],
    gain: { text: 'Plans for the number of rows that there are' },
    remedy: {
      kind: 'statistics',
      fix: [
        `CREATE STATISTICS ${statistics} ON ${quoteIdentifier(pair.first)}, ${quoteIdentifier(pair.second)} FROM ${quoted(table)}`,
        `ANALYZE ${quoted(table)}`,
      ],
      undo: [`DROP STATISTICS ${statistics}`],
      risk: 'low',
      riskDetail: 'ANALYZE does a little more from now on; other locks than that of ANALYZE are not taken for long.',
      appliable: true,
    },
  };
}
