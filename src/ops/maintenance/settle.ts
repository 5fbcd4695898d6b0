import type { DatabaseConnection } from '../../engine/postgres/index.ts';
import type { AdviceStore, LoggedChange } from '../store/index.ts';
import type { ChangedObject } from './types.ts';

/**
 * Finds out, by looking at the database, what became of maintenance whose maker is gone, and completes the log. What still runs is left
 * alone. What a rebuild left behind is found by the next plan.
 */
export async function settleOpenMaintenance(
  store: AdviceStore,
  targetId: number,
  connection: DatabaseConnection,
): Promise<void> {
  const open = await store.changes({ targetId, open: true, limit: 1000 });
  for (const change of open.filter(({ purpose }) => purpose === 'maintenance')) {
    if (await isRunning(connection, change)) continue;
    const done = await wasDone(connection, change);
    await store.endChange(change.id, {
      at: new Date(),
      durationMs: null,
      outcome: done === undefined ? 'unknown' : done ? 'done' : 'failed',
      resolution:
        done === undefined
          ? 'whoever ran it is gone; the database does not show what became of it'
          : `whoever ran it is gone; the database shows that it was ${done ? '' : 'not '}done`,
    });
  }
}

async function isRunning(connection: DatabaseConnection, { serverPid, sessionBegan }: LoggedChange): Promise<boolean> {
  if (serverPid === null || sessionBegan === null) return false;
  const rows = await connection.run(
    `
    SELECT pid AS "pid"
      FROM pg_stat_activity
     WHERE pid = $1
       -- Dates are kept to the millisecond.
       AND abs(extract(epoch FROM backend_start) * 1000 - $2::float8) < 2
    `,
    [serverPid, sessionBegan.getTime()],
  );
  return rows.length > 0;
}

/** `undefined`: the database does not show it. */
async function wasDone(connection: DatabaseConnection, change: LoggedChange): Promise<boolean | undefined> {
  const object = change.before as Partial<ChangedObject> | null;
  if (object?.kind === undefined || object.schema === undefined || object.table === undefined) return undefined;
  const { kind, schema, table, index } = object;
  if (kind === 'analyze' || kind === 'vacuum' || kind === 'freeze') {
    const [row] = await connection.run<{ at: Date | null }>(
      `
      SELECT last_${kind === 'analyze' ? 'analyze' : 'vacuum'} AS "at"
        FROM pg_stat_all_tables
       WHERE schemaname = $1
         AND relname = $2
      `,
      [schema, table],
    );
    return row && row.at !== null && row.at >= change.beganAt;
  }
  const [row] = await connection.run<{ file: number; valid: boolean }>(
    `
    SELECT c.relfilenode AS "file",
           i.indisvalid  AS "valid"
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_index i     ON i.indexrelid = c.oid
     WHERE n.nspname = $1
       AND c.relname = $2
    `,
    [schema, index ?? ''],
  );
  return kind === 'drop-leftover' ? row === undefined : row?.valid === true && row.file !== object.file;
}
