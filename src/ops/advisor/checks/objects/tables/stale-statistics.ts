import { type DatabaseConnection, readTables, type TableRow } from '../../../../../engine/postgres/index.ts';
import { count, counted } from '../../../../words/index.ts';
import type { Check, Finding } from '../../../types.ts';
import { judged, unknown } from '../../answers.ts';
import { needed } from '../../needed.ts';
import { once } from '../../readings.ts';
import { thresholdsOf } from '../../thresholds.ts';
import { keyOf, quoted, spoken } from '../names.ts';
import { readAutovacuum, readTableOptions, readWorkedOn } from './autovacuum.ts';

/** Twice the threshold: autovacuum was due long ago. */
const lateness = 2;
/**
 * A table that was analyzed since is left to autovacuum, which comes every minute. What a session changed shortly before it
 * analyzed counts as changed after: it is reported later.
 */
const patienceMs = 300_000;
/** Share by which the rows of a partitioned table and of its partitions may differ. */
const mostDrift = 0.2;

interface Stale {
  table: TableRow;
  why: 'never' | 'changed' | 'partitions never' | 'partitions changed';
  rows: number;
  changed: number;
}

export const staleStatistics: Check = {
  id: 'stale-statistics',
  title: 'Old planner statistics',
  documentation: `
    Speaks up when the planner works with guesses or old figures: a table of 10,000 rows or more was never analyzed; or at least
    10,000 rows changed since, twice as many as autovacuum waits for (\`autovacuum_analyze_threshold\` +
    \`autovacuum_analyze_scale_factor\` × rows, with the table's own storage parameters), unless it was analyzed in the last five
    minutes and autovacuum cares for it; or a partitioned table, which autovacuum
    never analyzes as a whole, has no statistics, or its rows differ by a fifth from those of its partitions.

    Warning; the fix is ANALYZE. Not known without \`track_counts\`, and on a standby, which does not count changes.

    Source: \`pg_stat_user_tables\`: \`n_mod_since_analyze\`; \`pg_class\`: \`reltuples\`; \`pg_stats\`.
  `,
  async run(context) {
    const { connection, profile } = context;
    if (profile.isStandby) return unknown('A standby does not count changed rows', 'ask the primary');
    if (!profile.trackCounts)
      return unknown('Changed rows are not counted: track_counts is off', 'set track_counts = on');
    const { smallTableRows } = thresholdsOf(context);
    const tables = needed(await once(context, readTables), 'The tables');
    const settings = await readAutovacuum(context);
    const options = await once(context, readTableOptions);
    const working = await readWorkedOn(connection, 'analyze');
    const now = Date.now();
    const rowsOf = (table: TableRow): number => Math.max(table.estimatedRows ?? 0, table.liveRows);
    const plain = tables.filter(({ kind }) => kind !== 'partitioned');
    const large = plain.filter((table) => rowsOf(table) >= smallTableRows && !working.has(table.oid));
    const unseen = await withoutStatistics(connection, large);
    const stale: Stale[] = large.flatMap((table): Stale[] => {
      const rows = rowsOf(table);
      const changed = table.modifiedSinceAnalyze;
      if (unseen.has(table.oid)) return [{ table, why: 'never', rows, changed }];
      const autovacuum = settings.of(options.get(table.oid)?.options ?? null);
      if (autovacuum.enabled && now - lastAnalyzed(table) < patienceMs) return [];
      const from = autovacuum.analyzeFrom(table.estimatedRows ?? rows);
      return changed >= smallTableRows && changed >= lateness * from ? [{ table, why: 'changed', rows, changed }] : [];
    });
    const found = [...stale, ...(await stalePartitioned(connection, tables, smallTableRows))];
    return judged({
      findings: found.toSorted((a, b) => b.rows - a.rows).map(describe),
      fine: `Planner statistics are fresh (${counted(tables.length, 'table')})`,
    });
  },
};

/** In ms since 1970; 0 when nobody remembers. */
function lastAnalyzed({ lastAnalyze, lastAutoanalyze }: TableRow): number {
  return Math.max(lastAnalyze?.getTime() ?? 0, lastAutoanalyze?.getTime() ?? 0);
}

/**
 * Tables that surely have no statistics: neither VACUUM nor ANALYZE ever saw them, or there are none although we may read them.
 * That nobody remembers an ANALYZE is no proof: a crash forgets it, the statistics stay.
 */
async function withoutStatistics(connection: DatabaseConnection, tables: readonly TableRow[]): Promise<Set<number>> {
  const never = tables.filter(({ estimatedRows }) => estimatedRows === null).map(({ oid }) => oid);
  const doubtful = tables.filter(
    ({ estimatedRows, lastAnalyze, lastAutoanalyze }) =>
      estimatedRows !== null && lastAnalyze === null && lastAutoanalyze === null,
  );
  if (doubtful.length === 0) return new Set(never);
  const rows = await connection.runPlanned<{ oid: number }>(
    `
    SELECT c.oid AS "oid"
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = ANY ($1::oid[])
       AND has_table_privilege(c.oid, 'SELECT')
       AND NOT row_security_active(c.oid)
       AND NOT EXISTS (SELECT FROM pg_stats s WHERE s.schemaname = n.nspname AND s.tablename = c.relname)
    `,
    [`{${doubtful.map(({ oid }) => oid).join(',')}}`],
  );
  return new Set([...never, ...rows.map(({ oid }) => oid)]);
}

async function stalePartitioned(
  connection: DatabaseConnection,
  tables: readonly TableRow[],
  smallTableRows: number,
): Promise<Stale[]> {
  const partitioned = tables.filter(({ kind }) => kind === 'partitioned');
  if (partitioned.length === 0) return [];
  const sums = await connection.run<{ oid: number; rows: number }>(
    `
    WITH RECURSIVE below AS (
      SELECT p.partrelid AS root, p.partrelid AS oid FROM pg_partitioned_table p
       UNION ALL
      SELECT b.root, i.inhrelid FROM below b JOIN pg_inherits i ON i.inhparent = b.oid
    )
    SELECT b.root                                                                   AS "oid",
           sum(greatest(c.reltuples, pg_stat_get_live_tuples(c.oid), 0))::float8    AS "rows"
      FROM below b
      JOIN pg_class c ON c.oid = b.oid AND c.relkind = 'r'
     GROUP BY b.root
    `,
  );
  const rowsBelow = new Map(sums.map(({ oid, rows }) => [oid, rows]));
  return partitioned.flatMap((table): Stale[] => {
    const rows = rowsBelow.get(table.oid) ?? 0;
    if (rows < smallTableRows) return [];
    if (table.estimatedRows === null) return [{ table, why: 'partitions never', rows, changed: rows }];
    const changed = Math.abs(rows - table.estimatedRows);
    return changed > mostDrift * table.estimatedRows ? [{ table, why: 'partitions changed', rows, changed }] : [];
  });
}

function describe({ table, why, rows, changed }: Stale): Finding {
  const name = spoken(table);
  const partitions = 'Autovacuum analyzes its partitions, but never the partitioned table as a whole.';
  const [title, explanation] = {
    never: [`${name} (${count(rows)} rows) was never analyzed`, 'Plans rest on guesses about what is in it.'],
    changed: [
      `${count(changed)} rows of ${name} changed since it was analyzed`,
      'Plans rest on figures about what is not there any more.',
    ],
    'partitions never': [`The partitioned table ${name} (${count(rows)} rows) was never analyzed`, partitions],
    'partitions changed': [
      `The partitioned table ${name} was analyzed with ${count(table.estimatedRows ?? 0)} rows and now has ${count(rows)}`,
      partitions,
    ],
  }[why] as [string, string];
  return {
    check: staleStatistics.id,
    key: keyOf(staleStatistics.id, table),
    severity: 'warning',
    subject: { kind: 'table', schema: table.schema, name: table.name },
    title,
    explanation,
    evidence: [
      { label: 'Rows', value: Math.round(rows), unit: 'rows' },
      { label: 'Changed since', value: Math.round(changed), unit: 'rows' },
      { label: 'Last analyzed', value: (table.lastAnalyze ?? table.lastAutoanalyze)?.toISOString() ?? null },
    ],
    gain: { text: 'Plans that fit the data' },
    remedy: {
      kind: 'analyze',
      fix: [`ANALYZE ${quoted(table)}`],
      undo: [],
      risk: 'low',
      riskDetail: 'Reads a sample of the table; reads and writes go on. Plans may change with better figures.',
      appliable: true,
    },
  };
}
