import { readUpkeep, type UpkeepRow } from '../../../engine/postgres/index.ts';
import { PitcrewError } from '../../../errors.ts';
import { readableName } from '../../../sql/index.ts';
import type { CheckContext } from '../../advisor/index.ts';
import type { LeftOut, MaintenancePlan, MaintenanceTask } from '../types.ts';
import { indexTasks } from './index-tasks.ts';
import { taskFor, type Wanted } from './table-tasks.ts';
import { type MaintenanceThresholds, usualThresholds } from './thresholds.ts';

export interface PlanOptions extends Wanted {
  thresholds?: Partial<MaintenanceThresholds> | undefined;
}

/**
 * What the current database needs, in the order in which it is best done: what is dangerous first, then by gain for the time that it
 * takes. Reads the catalog only.
 * @throws {PitcrewError} `E_UNSUPPORTED` on a standby, which cannot be maintained.
 */
export async function planMaintenance(context: CheckContext, options: PlanOptions): Promise<MaintenancePlan> {
  const { connection, profile } = context;
  if (profile.isStandby) {
    throw new PitcrewError('E_UNSUPPORTED', 'a standby cannot be maintained', {
      detail: `${connection.address} replays what its primary does, its VACUUM and ANALYZE included.`,
      hint: 'Give the address of its primary.',
    });
  }
  const { rows, skipped } = await readUpkeep(connection, profile);
  const leftOut: LeftOut[] = [...skipped];
  const judge = await tableJudge(context, options);
  const needed = rows.flatMap((table) => {
    const task = judge(table);
    return task ? [{ table, task }] : [];
  });
  const refused = needed.filter(({ table }) => !table.mayMaintain);
  if (refused.length > 0)
    leftOut.push(
      withoutRight(
        refused.map(({ table }) => table),
        context,
      ),
    );
  const indexes = options.optimize ? await indexTasks(context) : { tasks: [], leftOut: [] };
  const allowed = new Map(rows.map((table) => [`${table.schema}.${table.name}`, table.mayMaintain]));
  const [mine, others] = partition(indexes.tasks, ({ schema, table }) => allowed.get(`${schema}.${table}`) ?? true);
  if (others.length > 0) {
    leftOut.push({
      subject: `${others.length} indexes`,
      reason: `${profile.user} does not own their tables, ${readableName(others[0]?.schema ?? '', others[0]?.table ?? '')} among them`,
      fix: rightNeeded(context),
    });
  }
  const tables = needed.flatMap(({ table, task }) => (table.mayMaintain ? [task] : []));
  return { tasks: ordered([...tables, ...mine]), leftOut: [...leftOut, ...indexes.leftOut] };
}

/** Says what a table needs, as often as it is asked. */
export async function tableJudge(
  { connection, profile }: CheckContext,
  options: PlanOptions,
): Promise<(table: UpkeepRow) => MaintenanceTask | undefined> {
  const [limits] = await connection.run<{ freezeMaxAge: number; multixactFreezeMaxAge: number }>(
    `
    SELECT current_setting('autovacuum_freeze_max_age')::int4            AS "freezeMaxAge",
           current_setting('autovacuum_multixact_freeze_max_age')::int4  AS "multixactFreezeMaxAge"
    `,
  );
  const thresholds = { ...usualThresholds, ...options.thresholds };
  const server = {
    versionNumber: profile.versionNumber,
    blockSize: profile.blockSize,
    freezeMaxAge: limits?.freezeMaxAge ?? 200_000_000,
    multixactFreezeMaxAge: limits?.multixactFreezeMaxAge ?? 400_000_000,
  };
  return (table) => taskFor(table, server, thresholds, options);
}

function withoutRight(tables: readonly UpkeepRow[], context: CheckContext): LeftOut {
  const [first] = tables;
  return {
    subject: tables.length === 1 && first ? readableName(first.schema, first.name) : `${tables.length} tables`,
    reason: `${context.profile.user} may not maintain ${tables.length === 1 ? 'it' : `them, ${readableName(first?.schema ?? '', first?.name ?? '')} among them`}`,
    fix: rightNeeded(context),
  };
}

function rightNeeded({ profile }: CheckContext): string {
  return profile.versionNumber >= 170_000
    ? `GRANT pg_maintain TO ${profile.user}`
    : `run it as the owner of the tables, or GRANT that role TO ${profile.user}`;
}

function partition<Item>(items: readonly Item[], holds: (item: Item) => boolean): [Item[], Item[]] {
  return [items.filter((item) => holds(item)), items.filter((item) => !holds(item))];
}

/** What must not wait goes first; of the rest, what brings most for its time. */
function ordered(tasks: readonly MaintenanceTask[]): MaintenanceTask[] {
  const urgent = ({ gain }: MaintenanceTask): number => (gain >= 500 ? 1 : 0);
  const worth = ({ gain, estimatedSeconds }: MaintenanceTask): number => gain / Math.sqrt(1 + estimatedSeconds);
  return tasks.toSorted((a, b) => urgent(b) - urgent(a) || worth(b) - worth(a));
}
