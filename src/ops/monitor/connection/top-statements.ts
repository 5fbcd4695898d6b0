import {
  isOwnStatement,
  readStatements,
  readStatementsInfo,
  readStatementTexts,
  type StatementScope,
} from '../../../engine/postgres/index.ts';
import { type StatementKey, statementKeyText } from '../../store/index.ts';
import type { TopStatements } from '../types.ts';
import type { Link } from './link.ts';

/** What the statements of a server took, without their texts. */
export interface Taken {
  since: Date | null;
  seconds: number | null;
  /** Of all statements together. */
  totalMs: number;
  /** Those that took the most, first. */
  statements: { key: StatementKey; calls: number; rows: number; totalMs: number }[];
}

/** Our own are known by their texts only, so some more are asked for than are wanted. */
const spare = 20;

/** The statements that took the most time, with their texts: of what was taken, else since the statistics began. */
export async function topStatements(
  link: Link,
  scope: StatementScope,
  most: number,
  taken?: Taken,
): Promise<TopStatements> {
  const connection = await link.thorough();
  const profile = link.known();
  const { since, seconds, totalMs, statements } = taken ?? (await takenSinceReset(link, scope));
  const first = statements.slice(0, most + spare);
  const ids = [...new Set(first.map(({ key }) => key.queryId))];
  const { rows } = await readStatementTexts(connection, profile, ids, scope);
  const texts = new Map(rows.map((row) => [statementKeyText(row), row.text]));
  return {
    since,
    seconds,
    statements: first
      .map(({ key, calls, rows: count, totalMs: took }) => ({
        ...key,
        text: texts.get(statementKeyText(key)) ?? null,
        calls,
        rows: count,
        totalMs: took,
        meanMs: calls === 0 ? null : took / calls,
        share: totalMs === 0 ? null : took / totalMs,
      }))
      .filter(({ text }) => text === null || !isOwnStatement(text))
      .slice(0, most),
  };
}

async function takenSinceReset(link: Link, scope: StatementScope): Promise<Taken> {
  const connection = await link.thorough();
  const info = await readStatementsInfo(connection, link.known());
  const { rows } = await readStatements(connection, link.known(), { scope });
  return {
    since: info.rows[0]?.statsReset ?? null,
    seconds: null,
    totalMs: rows.reduce((sum, { totalExecMs }) => sum + totalExecMs, 0),
    statements: rows
      .toSorted((a, b) => b.totalExecMs - a.totalExecMs)
      .map(({ queryId, toplevel, database, user, calls, rows: count, totalExecMs }) => ({
        key: { queryId, toplevel, database, user },
        calls,
        rows: count,
        totalMs: totalExecMs,
      })),
  };
}
