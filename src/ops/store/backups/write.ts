import { documentText } from '../advice/document.ts';
import type { Document } from '../advice/types.ts';
import type { Reader } from '../history/reader.ts';
import { storable } from '../storable.ts';
import type { BackupRunBegun, BackupRunEnded, BackupRunError, BackupRunLine, BackupStore } from './types.ts';

/** So many runs of a kind are remembered: hourly ones of three weeks, daily ones of more than a year. */
const kept = 500;
const longestLine = 2000;

export async function beginRun(reader: Reader, targetId: number, run: BackupRunBegun): Promise<number> {
  const [row] = await reader.rows<{ id: number }>(
    `
     INSERT INTO pitcrew.backup_run (target_id, kind, trigger, asked_by, attempt, due_at, repository, began_at, backup, state)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'running')
     RETURNING id`,
    [
      targetId,
      run.kind,
      run.trigger,
      storable(run.askedBy),
      run.attempt,
      run.dueAt,
      storable(run.repository),
      run.beganAt,
      run.backup,
    ],
  );
  await reader.rows(
    `
     DELETE FROM pitcrew.backup_run
     WHERE  target_id = $1 AND kind = $2
       AND  id <= (SELECT id FROM pitcrew.backup_run WHERE target_id = $1 AND kind = $2
                   ORDER BY id DESC OFFSET ${kept} LIMIT 1)`,
    [targetId, run.kind],
  );
  return row?.id ?? 0;
}

/** Lines that are there already stay: whoever does not know whether they were written writes them again. */
export async function addLines(
  reader: Reader,
  id: number,
  from: number,
  lines: readonly BackupRunLine[],
): Promise<void> {
  await reader.rows(
    `
     INSERT INTO pitcrew.backup_run_line (run_id, position, at, level, text)
     SELECT $1, $2 + line.at - 1, line.moment, line.level, line.text
     FROM   unnest($3::timestamptz[], $4::text[], $5::text[]) WITH ORDINALITY AS line (moment, level, text, at)
     WHERE  EXISTS (SELECT FROM pitcrew.backup_run WHERE id = $1)
     ON CONFLICT DO NOTHING`,
    [
      id,
      from,
      lines.map(({ at }) => at),
      lines.map(({ level }) => level),
      lines.map(({ text }) => storable(text).slice(0, longestLine)),
    ],
  );
}

export async function endRun(reader: Reader, id: number, ended: BackupRunEnded): Promise<void> {
  await reader.rows(
    `
     UPDATE pitcrew.backup_run
     SET    ended_at = $2, state = $3, backup = coalesce($4, backup), bytes = $5, stored_bytes = $6, error = $7, report = $8
     WHERE  id = $1`,
    [
      id,
      ended.endedAt,
      ended.state,
      ended.backup,
      ended.bytes,
      ended.storedBytes,
      errorText(ended.error),
      documentText(ended.report),
    ],
  );
}

export async function abandonRuns(
  reader: Reader,
  targetId: number,
  { at, error, except }: Parameters<BackupStore['abandonRuns']>[1],
): Promise<number[]> {
  const rows = await reader.rows<{ id: number }>(
    `
     UPDATE pitcrew.backup_run
     SET    state = 'stopped', ended_at = $2, error = $3
     WHERE  target_id = $1 AND state = 'running' AND id <> ALL ($4::integer[])
     RETURNING id`,
    [targetId, at, errorText(error), except],
  );
  return rows.map(({ id }) => id);
}

const errorText = (error: BackupRunError | null): string | null => documentText(error as Document | null);
