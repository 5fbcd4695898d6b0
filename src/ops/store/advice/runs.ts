import type { Reader } from '../history/reader.ts';
import { storable } from '../storable.ts';
import { documentText } from './document.ts';
import type { AdviceRun, AdviceStore } from './types.ts';

/** So many runs of a kind are remembered. */
const kept = 50;

export async function beginRun(
  reader: Reader,
  { targetId, kind, askedBy, at }: Parameters<AdviceStore['beginRun']>[0],
): Promise<number> {
  const [row] = await reader.rows<{ id: number }>(
    `
     INSERT INTO pitcrew.advice_run (target_id, kind, asked_by, began_at)
     VALUES ($1, $2, $3, $4)
     RETURNING id::float8 AS id`,
    [targetId, kind, storable(askedBy), at],
  );
  await reader.rows(
    `
     DELETE FROM pitcrew.advice_run
     WHERE  target_id = $1 AND kind = $2
       AND  id <= (SELECT id FROM pitcrew.advice_run WHERE target_id = $1 AND kind = $2
                   ORDER BY id DESC OFFSET ${kept} LIMIT 1)`,
    [targetId, kind],
  );
  return row?.id ?? 0;
}

export async function endRun(
  reader: Reader,
  id: number,
  { at, error, report }: Parameters<AdviceStore['endRun']>[1],
): Promise<void> {
  await reader.rows('UPDATE pitcrew.advice_run SET ended_at = $2, error = $3, report = $4 WHERE id = $1', [
    id,
    at,
    error === undefined ? null : storable(error),
    documentText(report ?? null),
  ]);
}

export async function readLastRun(
  reader: Reader,
  { targetId, kind, finished }: Parameters<AdviceStore['lastRun']>[0],
): Promise<AdviceRun | undefined> {
  const [row] = await reader.rows<AdviceRun>(
    `
     SELECT   id::float8 AS id, kind, asked_by AS "askedBy", began_at AS "beganAt", ended_at AS "endedAt", error, report
     FROM     pitcrew.advice_run
     WHERE    target_id = $1 AND kind = $2 AND (NOT $3 OR (ended_at IS NOT NULL AND error IS NULL))
     ORDER BY advice_run.id DESC
     LIMIT    1`,
    [targetId, kind, finished],
  );
  return row;
}
