import { isOwnStatement, readStatements, readStatementTexts } from '../../engine/postgres/index.ts';
import { messageOf } from '../../errors.ts';
import type { CheckContext } from '../../ops/advisor/index.ts';
import { explainOnServer, type Explained } from '../explain/explain-statement.ts';

/** A statement that takes much of the server's time, with its plan. */
export interface SlowStatement {
  queryId: string;
  text: string;
  calls: number;
  totalMs: number;
  meanMs: number;
  /** `null` when it could not be planned. */
  explained: Explained | null;
  /** Why not. */
  reason: string | null;
}

const most = 5;
/** What has a plan. */
const plannable = /^\s*(?:SELECT|WITH|VALUES|TABLE|INSERT|UPDATE|DELETE|MERGE|\()/i;

/**
 * The statements of this database that took most time, planned, not run.
 * @returns why there are none, where they cannot be read.
 */
export async function explainSlowStatements(
  { connection, profile }: CheckContext,
  url: string,
): Promise<{ statements: SlowStatement[]; reason: string | null; fix: string | null }> {
  const scope = { databases: 'own' } as const;
  const { rows, skipped } = await readStatements(connection, profile, { scope });
  const [why] = skipped;
  if (!profile.statements.usable) {
    return { statements: [], reason: why?.reason ?? 'pg_stat_statements is not in use', fix: why?.fix ?? null };
  }
  const byTime = rows.toSorted((a, b) => b.totalExecMs - a.totalExecMs).slice(0, 10 * most);
  const texts = await readStatementTexts(
    connection,
    profile,
    [...new Set(byTime.map(({ queryId }) => queryId))],
    scope,
  );
  const textOf = new Map(texts.rows.map(({ queryId, text }) => [queryId, text]));
  const known = new Map<string, SlowStatement>();
  for (const { queryId, calls, totalExecMs } of byTime) {
    const text = textOf.get(queryId) ?? null;
    if (text === null || isOwnStatement(text) || !plannable.test(text)) continue;
    // The same statement of several roles is one.
    const before = known.get(queryId) ?? { calls: 0, totalMs: 0 };
    const sum = { calls: before.calls + calls, totalMs: before.totalMs + totalExecMs };
    known.set(queryId, {
      queryId,
      text,
      ...sum,
      meanMs: sum.totalMs / Math.max(1, sum.calls),
      explained: null,
      reason: null,
    });
  }
  const slowest = [...known.values()].toSorted((a, b) => b.totalMs - a.totalMs).slice(0, most);
  const statements: SlowStatement[] = [];
  for (const statement of slowest) statements.push(await explained(statement, url));
  return { statements, reason: null, fix: null };
}

async function explained(statement: SlowStatement, url: string): Promise<SlowStatement> {
  try {
    const options = { url, analyze: false, timeoutMs: 10_000, consent: () => Promise.resolve(false) };
    return { ...statement, explained: await explainOnServer({ text: statement.text }, options) };
  } catch (error) {
    return { ...statement, reason: messageOf(error) };
  }
}
