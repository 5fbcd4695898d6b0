import type { Reader } from '../history/reader.ts';
import type { KeptPlan, PlanChange, PlanHistory, PlanVerdict, StatementPlanChange } from './types.ts';

export interface ChangeRow {
  id: number;
  statement_id: number;
  from_shape: string;
  to_shape: string;
  seen_before: Date;
  at: Date;
  verdict: PlanVerdict;
  calls_before: number;
  us_before: number;
  calls_after: number;
  us_after: number;
}

/** All of a change. */
export const changeColumns =
  'id, statement_id, from_shape, to_shape, seen_before, at, verdict, calls_before, us_before, calls_after, us_after';

export function changeOf(row: ChangeRow): PlanChange {
  return {
    id: row.id,
    statementId: row.statement_id,
    fromShape: row.from_shape,
    toShape: row.to_shape,
    seenBefore: row.seen_before,
    at: row.at,
    verdict: row.verdict,
    before: { calls: row.calls_before, meanUs: row.us_before },
    after: { calls: row.calls_after, meanUs: row.us_after },
  };
}

export async function readPlans(
  reader: Reader,
  { targetId, statementId }: { targetId: number; statementId: number },
): ReturnType<PlanHistory['plans']> {
  const [plans, changes] = await Promise.all([
    reader.rows<{ [Field in keyof KeptPlan]: KeptPlan[Field] }>(
      `
       SELECT   shape, plan, plan.generic, total_cost AS "totalCost", plan.first_seen AS "firstSeen", plan.last_seen AS "lastSeen"
       FROM     pitcrew.plan
       JOIN     pitcrew.statement ON statement.id = statement_id
       WHERE    statement_id = $2::bigint AND target_id = $1
       ORDER BY plan.last_seen DESC`,
      [targetId, statementId],
    ),
    reader.rows<ChangeRow & Record<string, unknown>>(
      `
       SELECT   ${changeColumns}
       FROM     pitcrew.plan_change
       WHERE    statement_id = (SELECT id FROM pitcrew.statement WHERE id = $2::bigint AND target_id = $1)
       ORDER BY at DESC, id DESC`,
      [targetId, statementId],
    ),
  ]);
  return { plans, changes: changes.map((row) => changeOf(row)) };
}

type StatementChangeRow = ChangeRow & { text: string | null; query_id: string; database: string; username: string };

export async function readPlanChanges(
  reader: Reader,
  { targetId, from, to, verdicts, limit }: Parameters<PlanHistory['planChanges']>[0],
): Promise<StatementPlanChange[]> {
  const columns = changeColumns.split(', ').map((column) => `change.${column}`);
  const rows = await reader.rows<StatementChangeRow & Record<string, unknown>>(
    `
     SELECT   ${columns.join(', ')}, statement.text, statement.query_id, statement.database, statement.username
     FROM     pitcrew.plan_change AS change
     JOIN     pitcrew.statement ON statement.id = change.statement_id
     WHERE    statement.target_id = $1
     AND      change.at >= $2 AND change.at < $3
     AND      ($4::text[] IS NULL OR change.verdict = ANY ($4))
     ORDER BY change.at DESC, change.id DESC
     LIMIT    $5`,
    [targetId, from, to, verdicts ?? null, limit],
  );
  return rows.map((row) => ({
    ...changeOf(row),
    text: row.text,
    queryId: row.query_id,
    database: row.database,
    user: row.username,
  }));
}
