import {
  type DatabaseConnection,
  isOwnStatement,
  type Reading,
  readStatements,
  readStatementsInfo,
  readStatementTexts,
  type ServerProfile,
  type Skipped,
  type StatementRow,
} from '../../../../engine/postgres/index.ts';
import { describe, loadParser, type StatementKind, type TableName } from '../../../../sql/index.ts';
import type { CheckContext, Untold } from '../../types.ts';
import { once } from '../readings.ts';

/** What one statement of the watched database costs, for one role, since pg_stat_statements counts it. */
export interface StatementCost {
  queryId: string;
  role: string;
  text: string;
  kind: StatementKind;
  /** Tables and views whose rows it looks for. */
  tables: readonly TableName[];
  calls: number;
  rows: number;
  meanMs: number;
  totalMs: number;
  jitMs: number;
  /** Blocks of tables and indexes that it touched. */
  blocks: number;
  tempBlocks: number;
  row: StatementRow;
}

const scope = { databases: 'own' } as const;

/** So many of the costliest statements are looked at. */
const most = 200;

/**
 * The statements of this database that take most time, or most of what `by` says, without ours. Empty, with the reason, without
 * pg_stat_statements; statements whose text is hidden from us are left out.
 */
export async function readStatementCosts(
  context: CheckContext,
  by: (row: StatementRow) => number = ({ totalExecMs }) => totalExecMs,
): Promise<{ costs: StatementCost[]; since: Date | null; skipped: Skipped[] }> {
  const { connection, profile } = context;
  const { rows, skipped } = await once(context, readOwn);
  const [info] = (await once(context, readStatementsInfo)).rows;
  const chosen = rows
    .filter((row) => row.calls > 0 && by(row) > 0)
    .toSorted((a, b) => by(b) - by(a))
    .slice(0, most);
  const ids = [...new Set(chosen.map(({ queryId }) => queryId))];
  const texts = await readStatementTexts(connection, profile, ids, scope);
  const textOf = new Map(texts.rows.map((row) => [keyOf(row), row.text]));
  if (chosen.length > 0) await loadParser();
  return {
    costs: chosen.flatMap((row) => {
      const text = textOf.get(keyOf(row)) ?? null;
      return text === null || isOwnStatement(text) ? [] : [costOf(row, text)];
    }),
    since: info?.statsReset ?? null,
    skipped,
  };
}

function readOwn(connection: DatabaseConnection, profile: ServerProfile): Promise<Reading<StatementRow>> {
  return readStatements(connection, profile, { scope });
}

function keyOf({ queryId, userId, toplevel }: { queryId: string; userId: number; toplevel: boolean }): string {
  return `${queryId}/${userId}/${toplevel}`;
}

function costOf(row: StatementRow, text: string): StatementCost {
  const { kind, read, written } = describe(text);
  return {
    queryId: row.queryId,
    role: row.user,
    text,
    kind,
    tables: kind === 'insert' ? read : [...read, ...written],
    calls: row.calls,
    rows: row.rows,
    meanMs: row.meanExecMs,
    totalMs: row.totalExecMs,
    jitMs: row.jitMs,
    blocks: row.sharedHit + row.sharedRead,
    tempBlocks: row.tempWritten,
    row,
  };
}

/** That statements could not be read, as a part that could not be told. */
export function untoldStatements(skipped: readonly Skipped[], what: string): Untold[] {
  return skipped.map(({ reason, fix }) => ({ reason: `It could not be told ${what}: ${reason}`, fix }));
}
