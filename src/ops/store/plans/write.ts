import type { Pool, PoolClient } from 'pg';
import { storeError } from '../failures.ts';
import { inTransaction } from '../transaction.ts';
import { type ChangeRow, changeColumns, changeOf } from './read.ts';
import type { PlanChange, PlanJudgement, SeenPlan } from './types.ts';

const mostPlans = 10;
const mostChanges = 20;
/** Larger plans are those of hundreds of partitions; what they look like is told by their shape. */
const mostPlanText = 200_000;

/** Keeps a plan in one transaction, so that a daemon that is killed leaves all of it or nothing. See `PlanWriting`. */
export async function keepPlan(pool: Pool, seen: SeenPlan): Promise<PlanChange | undefined> {
  let client: PoolClient | undefined;
  try {
    client = await pool.connect();
    const connected = client;
    const change = await inTransaction(client, () => keep(connected, seen));
    client.release();
    return change;
  } catch (error) {
    client?.release(true);
    throw storeError(error);
  }
}

async function keep(client: PoolClient, seen: SeenPlan): Promise<PlanChange | undefined> {
  const { targetId, statementId, shape, at } = seen;
  // One daemon at a time; a statement that was forgotten meanwhile has no plans.
  const { rowCount } = await client.query('SELECT FROM pitcrew.statement WHERE id = $1 AND target_id = $2 FOR UPDATE', [
    statementId,
    targetId,
  ]);
  if (rowCount === 0) return undefined;
  const { rows } = await client.query<{ shape: string; last_seen: Date }>(
    `
     SELECT   shape, last_seen
     FROM     pitcrew.plan
     WHERE    statement_id = $1
     ORDER BY last_seen DESC
     LIMIT    1`,
    [statementId],
  );
  const [current] = rows;
  if (current && current.last_seen >= at) return undefined;
  await upsert(client, seen);
  if (!current || current.shape === shape) return undefined;
  const changed = await client.query<ChangeRow>(
    `
     INSERT INTO pitcrew.plan_change (statement_id, from_shape, to_shape, seen_before, at)
     VALUES ($1, $2, $3, $4, $5)
     RETURNING ${changeColumns}`,
    [statementId, current.shape, shape, current.last_seen, at],
  );
  await prune(client, statementId);
  return changed.rows.map((row) => changeOf(row))[0];
}

async function upsert(
  client: PoolClient,
  { statementId, shape, plan, generic, totalCost, at }: SeenPlan,
): Promise<void> {
  const text = JSON.stringify(plan);
  await client.query(
    `
     INSERT INTO pitcrew.plan (statement_id, shape, plan, generic, total_cost, first_seen, last_seen)
     VALUES ($1, $2, $3, $4, $5, $6, $6)
     ON CONFLICT (statement_id, shape) DO UPDATE
     SET plan = excluded.plan, generic = excluded.generic, total_cost = excluded.total_cost, last_seen = excluded.last_seen`,
    // jsonb takes no NUL.
    [statementId, shape, text.length > mostPlanText || text.includes('\\u0000') ? null : text, generic, totalCost, at],
  );
}

async function prune(client: PoolClient, statementId: number): Promise<void> {
  for (const [table, order, most] of [
    ['plan', 'last_seen', mostPlans],
    ['plan_change', 'at', mostChanges],
  ] as const) {
    await client.query(
      `
       DELETE FROM pitcrew.${table}
       WHERE  id IN (SELECT id FROM pitcrew.${table} WHERE statement_id = $1 ORDER BY ${order} DESC, id DESC OFFSET $2)`,
      [statementId, most],
    );
  }
}

/** Writes down what a change has done to the statement's time. */
export async function judgePlanChange(pool: Pool, { id, verdict, before, after }: PlanJudgement): Promise<void> {
  try {
    await pool.query(
      `
       UPDATE pitcrew.plan_change
       SET    verdict = $2, calls_before = $3, us_before = $4, calls_after = $5, us_after = $6
       WHERE  id = $1`,
      [id, verdict, before.calls, before.meanUs, after.calls, after.meanUs],
    );
  } catch (error) {
    throw storeError(error);
  }
}
