import {
  type DatabaseConnection,
  isOwnStatement,
  marked,
  quoteIdentifier,
  readStatements,
  readStatementsInfo,
  readStatementTexts,
  type ServerProfile,
  type StatementScope,
} from '../../../engine/postgres/index.ts';
import { PitcrewError } from '../../../errors.ts';
import { candidates, type Counted, gather, timeOf, usualMost } from './gather.ts';
import type { Workload } from './types.ts';

/** Only the database that we are connected to. */
const scope: StatementScope = { databases: 'own' };

/** What has been counted for less than this says little of an hour. */
const leastHours = 1 / 6;

/**
 * What pg_stat_statements has counted in the connection's database since its last reset, or since an entry was made anew. Reads the file
 * of texts once.
 * @throws {PitcrewError} `E_UNSUPPORTED` when it cannot be read, with what would change that.
 */
export async function workloadFromStatements(
  connection: DatabaseConnection,
  profile: ServerProfile,
  { most = usualMost }: { most?: number } = {},
): Promise<Workload> {
  if (!profile.statements.usable) {
    const [skipped] = profile.statements.skipped;
    throw new PitcrewError('E_UNSUPPORTED', 'there is no workload to read: pg_stat_statements cannot be read', {
      detail: skipped?.reason,
      hint: skipped?.fix ?? undefined,
    });
  }
  const [{ rows, skipped }, info, hidden, [clock]] = await Promise.all([
    readStatements(connection, profile, { scope }),
    readStatementsInfo(connection, profile),
    profile.rights.readAllStats ? 0 : readHiddenMs(connection, profile.statements.schema),
    connection.run<{ now: Date; started: Date }>(
      marked(`SELECT now() AS "now", pg_postmaster_start_time() AS "started"`),
    ),
  ]);
  const now = clock?.now.getTime() ?? Date.now();
  const reset = (info.rows[0]?.statsReset ?? clock?.started)?.getTime() ?? now;
  const busiest = rows.toSorted((a, b) => b.totalExecMs - a.totalExecMs).slice(0, candidates(most));
  const ids = [...new Set(busiest.map(({ queryId }) => queryId))];
  const texts = await readStatementTexts(connection, profile, ids, scope);
  const keyOf = (row: { queryId: string; userId: number; toplevel: boolean }): string =>
    `${row.queryId}/${row.userId}/${row.toplevel}`;
  const textOf = new Map(texts.rows.map((row) => [keyOf(row), row.text]));
  const hoursOf = (since: Date | null): number =>
    Math.max(leastHours, (now - Math.max(since?.getTime() ?? reset, reset)) / 3_600_000);
  const counted = rows
    .filter(({ calls }) => calls > 0)
    .map((row): Counted & { wanted: boolean } => ({
      id: row.queryId,
      text: textOf.get(keyOf(row)) ?? null,
      callsPerHour: row.calls / hoursOf(row.statsSince),
      meanMs: row.meanExecMs,
      wanted: textOf.has(keyOf(row)),
    }));
  const wanted = counted.filter((each) => each.wanted);
  const ofOthers = counted.filter(({ text }) => text === null || !isOwnStatement(text));
  const all = ofOthers.reduce((sum, each) => sum + timeOf(each), hidden / hoursOf(null));
  const workload = await gather('pg_stat_statements', wanted, { most, all });
  if (hidden === 0) return workload;
  const [skip] = skipped;
  const reason = [skip?.reason, skip?.fix].filter(Boolean).join(': ');
  return { ...workload, leftOut: [{ text: '', reason }, ...workload.leftOut] };
}

/** Time of the statements of other roles, of which a role without pg_read_all_stats sees the counters only. */
async function readHiddenMs(connection: DatabaseConnection, schema: string): Promise<number> {
  const [row] = await connection.run<{ ms: number }>(
    marked(`
      SELECT coalesce(sum(total_exec_time), 0) AS "ms"
        FROM ${quoteIdentifier(schema)}.pg_stat_statements(false)
       WHERE queryid IS NULL
         AND dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())`),
  );
  return row?.ms ?? 0;
}
