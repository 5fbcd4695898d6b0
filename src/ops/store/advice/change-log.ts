import type { Reader } from '../history/reader.ts';
import { storable } from '../storable.ts';
import { documentText } from './document.ts';
import type { AdviceStore, ChangeIntent, ChangeResult, LoggedChange } from './types.ts';

export async function beginChange(reader: Reader, intent: ChangeIntent): Promise<number> {
  const [row] = await reader.rows<{ id: number }>(
    `
     INSERT INTO pitcrew.change_log (target_id, advice_id, subject, purpose, position, statement, asked_by, began_at,
                                     server_pid, session_began, before, outcome)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'unknown')
     RETURNING id::float8 AS id`,
    [
      intent.targetId,
      intent.adviceId,
      storable(intent.subject),
      intent.purpose,
      intent.position,
      storable(intent.statement),
      storable(intent.askedBy),
      intent.at,
      intent.serverPid,
      intent.sessionBegan,
      documentText(intent.before),
    ],
  );
  return row?.id ?? 0;
}

export async function endChange(reader: Reader, id: number, result: ChangeResult): Promise<void> {
  const { outcome, at, durationMs, error, sqlState, resolution } = result;
  await reader.rows(
    `
     UPDATE pitcrew.change_log
     SET    outcome = $2, ended_at = $3, duration_ms = $4, error = $5, sql_state = $6, resolution = $7
     WHERE  id = $1 AND ended_at IS NULL`,
    [
      id,
      outcome,
      at,
      durationMs,
      error === undefined ? null : storable(error),
      sqlState ?? null,
      resolution === undefined ? null : storable(resolution),
    ],
  );
}

export function readChanges(
  reader: Reader,
  { targetId, adviceId, open, since, before, limit }: Parameters<AdviceStore['changes']>[0],
): Promise<LoggedChange[]> {
  return reader.rows<LoggedChange>(
    `
     SELECT   id::float8 AS id, target_id AS "targetId", advice_id AS "adviceId", subject, purpose, position, statement,
              asked_by AS "askedBy", began_at AS "beganAt", server_pid AS "serverPid", session_began AS "sessionBegan",
              before, outcome, ended_at AS "endedAt", duration_ms AS "durationMs", error, sql_state AS "sqlState", resolution
     FROM     pitcrew.change_log
     WHERE    target_id = $1
       AND    ($2::integer IS NULL OR advice_id = $2)
       AND    (NOT $3 OR ended_at IS NULL)
       AND    ($4::timestamptz IS NULL OR began_at >= $4)
       AND    ($5::bigint IS NULL OR change_log.id < $5)
     ORDER BY change_log.id DESC
     LIMIT    $6`,
    [targetId, adviceId ?? null, open ?? false, since ?? null, before ?? null, limit],
  );
}
