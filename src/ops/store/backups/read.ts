import type { Reader } from '../history/reader.ts';
import type { BackupRun, BackupRunKind, BackupRunLine, BackupStore, LatestRuns } from './types.ts';

const columns = `
  run.id, run.kind, run.trigger, run.asked_by AS "askedBy", run.attempt, run.due_at AS "dueAt", run.repository,
  run.began_at AS "beganAt", run.ended_at AS "endedAt", run.state, run.backup, run.bytes, run.stored_bytes AS "storedBytes",
  run.error, run.report`;

export async function readRuns(
  reader: Reader,
  { targetId, kinds, states, limit, offset }: Parameters<BackupStore['runs']>[0],
): Promise<{ count: number; runs: BackupRun[] }> {
  const fits = `
     target_id = $1
     AND ($2::text[] IS NULL OR kind = ANY ($2))
     AND ($3::text[] IS NULL OR state = ANY ($3))`;
  const which = [targetId, kinds ?? null, states ?? null];
  const [runs, [counted]] = await Promise.all([
    reader.rows<BackupRun>(
      `
       SELECT   ${columns}
       FROM     pitcrew.backup_run AS run
       WHERE    ${fits}
       ORDER BY run.id DESC
       LIMIT    $4
       OFFSET   $5`,
      [...which, limit, offset],
    ),
    reader.rows<{ count: number }>(`SELECT count(*)::integer AS count FROM pitcrew.backup_run WHERE ${fits}`, which),
  ]);
  return { count: counted?.count ?? 0, runs };
}

export async function readRun(reader: Reader, targetId: number, id: number): Promise<BackupRun | undefined> {
  const [run] = await reader.rows<BackupRun>(
    `SELECT ${columns} FROM pitcrew.backup_run AS run WHERE target_id = $1 AND id = $2`,
    [targetId, id],
  );
  return run;
}

export function readLines(reader: Reader, id: number): Promise<BackupRunLine[]> {
  return reader.rows<BackupRunLine>(
    `
     SELECT   at, level, text
     FROM     pitcrew.backup_run_line
     WHERE    run_id = $1
     ORDER BY position
     LIMIT    500`,
    [id],
  );
}

export async function readLatest(reader: Reader, targetId: number): Promise<LatestRuns[]> {
  const runs = await reader.rows<BackupRun>(
    `
     SELECT   ${columns}
     FROM     pitcrew.backup_run AS run
     WHERE    run.id IN (SELECT max(id)
                         FROM   pitcrew.backup_run
                         WHERE  target_id = $1
                         GROUP  BY kind, state = 'done')
     ORDER BY run.id DESC`,
    [targetId],
  );
  const byKind = Map.groupBy(runs, ({ kind }): BackupRunKind => kind);
  return [...byKind].flatMap(([kind, [last, ...others]]) => {
    if (!last) return [];
    return [{ kind, last, lastDone: [last, ...others].find(({ state }) => state === 'done') ?? null }];
  });
}

export function readDrills(reader: Reader, targetId: number): Promise<BackupRun[]> {
  return reader.rows<BackupRun>(
    `
     SELECT   ${columns}
     FROM     pitcrew.backup_run AS run
     WHERE    run.id IN (SELECT max(id)
                         FROM   pitcrew.backup_run
                         WHERE  target_id = $1 AND kind = 'drill' AND backup IS NOT NULL
                           AND (state = 'done' OR state = 'failed' AND error ->> 'code' = 'E_BACKUP_DAMAGED')
                         GROUP  BY backup)
     ORDER BY run.id DESC`,
    [targetId],
  );
}
