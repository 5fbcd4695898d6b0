import type { ServerProfile, UpkeepRow } from '../../../engine/postgres/index.ts';
import { readableIdentifier, readableName } from '../../../sql/index.ts';
import type { LeftOut, MaintenanceTask } from '../types.ts';

/** A task that the role may not do, with its table. */
interface Refused {
  task: MaintenanceTask;
  table: UpkeepRow;
}

/** Tells tasks that the role may do from those that it may not, as the server will judge them. */
export function byRight(
  tasks: readonly MaintenanceTask[],
  rows: readonly UpkeepRow[],
): [allowed: MaintenanceTask[], refused: Refused[]] {
  const tables = new Map(rows.map((table) => [readableName(table.schema, table.name), table]));
  const allowed: MaintenanceTask[] = [];
  const refused: Refused[] = [];
  for (const task of tasks) {
    const table = tables.get(readableName(task.schema, task.table));
    if (!table || (isAllowed(task, table) && table.mayUseSchema)) allowed.push(task);
    else refused.push({ task, table });
  }
  return [allowed, refused];
}

function isAllowed({ kind }: MaintenanceTask, { isOwned, mayReindex, mayVacuum }: UpkeepRow): boolean {
  // Whoever may rebuild an index may not drop it.
  if (kind === 'drop-leftover') return isOwned;
  return kind === 'reindex' ? mayReindex : mayVacuum;
}

/** What is left out for want of a right, and what would give it: at most once for each kind of right. */
export function withoutRight(refused: readonly Refused[], profile: ServerProfile): LeftOut[] {
  const schemas = refused.filter(({ table }) => !table.mayUseSchema);
  const owned = refused.filter(({ task, table }) => task.kind === 'drop-leftover' && !table.isOwned);
  const maintained = refused.filter(({ task, table }) => task.kind !== 'drop-leftover' && !isAllowed(task, table));
  const names = [...new Set(schemas.map(({ table }) => readableIdentifier(table.schema)))].slice(0, 10).join(', ');
  const asOwner = `run it as the owner of the tables, or GRANT that role TO ${profile.user}`;
  const maintain = profile.versionNumber >= 170_000 ? `GRANT pg_maintain TO ${profile.user}` : asOwner;
  return [
    ...leftOutOf(maintained, `${profile.user} may not maintain`, maintain),
    ...leftOutOf(owned, `${profile.user} does not own`, asOwner),
    ...leftOutOf(
      schemas,
      `${profile.user} may not use the schema of`,
      `GRANT USAGE ON SCHEMA ${names} TO ${profile.user}`,
    ),
  ];
}

function leftOutOf(refused: readonly Refused[], reason: string, fix: string): LeftOut[] {
  const names = [...new Set(refused.map(({ task }) => nameOf(task)))];
  const [first] = names;
  if (first === undefined) return [];
  if (names.length === 1) return [{ subject: first, reason: `${reason} it`, fix }];
  return [{ subject: `${names.length} tables and indexes`, reason: `${reason} them, ${first} among them`, fix }];
}

function nameOf({ schema, table, index }: MaintenanceTask): string {
  return index === undefined ? readableName(schema, table) : `index ${readableName(schema, index)}`;
}
