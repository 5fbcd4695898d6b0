import type { DatabaseConnection, ServerProfile, UpkeepRow } from '../../../engine/postgres/index.ts';
import { readUpkeep } from '../../../engine/postgres/index.ts';
import { bytes, count, percent } from '../../words/index.ts';
import type { MaintenanceTask } from '../types.ts';

/** What is seen of a table or an index before and after. */
export interface Seen {
  table: UpkeepRow | undefined;
  indexBytes: number | null;
}

export async function see(
  connection: DatabaseConnection,
  profile: ServerProfile,
  task: MaintenanceTask,
): Promise<Seen> {
  if (task.tableOid !== null) {
    const [table] = (await readUpkeep(connection, profile, task.tableOid)).rows;
    return { table, indexBytes: null };
  }
  const [row] = await connection.run<{ bytes: number }>(
    `
    SELECT c.relpages::int8 * ${profile.blockSize} AS "bytes"
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1
       AND c.relname = $2
    `,
    [task.schema, task.index ?? ''],
  );
  return { table: undefined, indexBytes: row?.bytes ?? null };
}

/** When the table was last vacuumed or analysed; a skipped one (SKIP_LOCKED) shows no later time. */
export function maintainedAt(task: MaintenanceTask, { table }: Seen): number | null {
  const at = task.kind === 'analyze' ? table?.lastAnalyze : table?.lastVacuum;
  return at?.getTime() ?? null;
}

/** What a task changed, in a few words. */
export function effectOf(task: MaintenanceTask, before: Seen, after: Seen): string | null {
  switch (task.kind) {
    case 'analyze':
      return before.table && after.table
        ? `${count(before.table.modifiedSinceAnalyze)} changed rows before, ${count(after.table.modifiedSinceAnalyze)} after`
        : null;
    case 'vacuum':
      return before.table && after.table ? vacuumed(before.table, after.table) : null;
    case 'freeze':
      return before.table && after.table
        ? `age ${count(before.table.frozenXidAge ?? 0)} before, ${count(after.table.frozenXidAge ?? 0)} after`
        : null;
    case 'reindex':
      return before.indexBytes !== null && after.indexBytes !== null
        ? `${bytes(before.indexBytes)} before, ${bytes(after.indexBytes)} after`
        : null;
    case 'drop-leftover':
      return before.indexBytes === null ? null : `${bytes(before.indexBytes)} given back`;
  }
}

function vacuumed(before: UpkeepRow, after: UpkeepRow): string {
  const visible = (table: UpkeepRow): string => percent(table.allVisiblePages / Math.max(1, table.pages));
  if (before.deadRows === 0) return `${visible(before)} of pages visible before, ${visible(after)} after`;
  const kept = after.deadRows > before.deadRows / 2 ? ': an older transaction or a replication slot keeps them' : '';
  return `${count(before.deadRows)} dead rows before, ${count(after.deadRows)} after${kept}`;
}
