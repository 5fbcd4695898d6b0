import { readUpkeep, type UpkeepRow } from '../../../engine/postgres/index.ts';
import { PitcrewError } from '../../../errors.ts';
import { type CheckContext, holdsBack, readHorizon } from '../../advisor/index.ts';
import { counted } from '../../words/index.ts';
import type { LeftOut, MaintenancePlan, MaintenanceTask } from '../types.ts';
import { indexTasks } from './index-tasks.ts';
import { byRight, withoutRight } from './rights.ts';
import { hasManyDead, taskFor, type Wanted } from './table-tasks.ts';
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
  const thresholds = { ...usualThresholds, ...options.thresholds };
  const { judge, holder, isKept } = await tableJudge(context, options);
  const kept = rows.filter((table) => options.optimize && isKept(table) && hasManyDead(table, thresholds));
  if (kept.length > 0 && holder) {
    leftOut.push({
      subject: `dead rows of ${counted(kept.length, 'table')}`,
      reason: `${holder.text} keeps them`,
      fix: holder.end,
    });
  }
  const needed = rows.flatMap((table) => {
    const task = judge(table);
    return task ? [{ table, task }] : [];
  });
  const indexes = options.optimize ? await indexTasks(context) : { tasks: [], leftOut: [] };
  const [tasks, refused] = byRight([...needed.map(({ task }) => task), ...indexes.tasks], rows);
  leftOut.push(...withoutRight(refused, profile));
  return { tasks: ordered(tasks), leftOut: [...leftOut, ...indexes.leftOut] };
}

/** Says what a table needs, as often as it is asked, and who keeps dead rows from being removed. */
export async function tableJudge({ connection, profile }: CheckContext, options: PlanOptions) {
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
  const { oldest: holder } = await readHorizon(connection, profile);
  const now = new Date();
  const isKept = ({ lastVacuum }: UpkeepRow): boolean => holder !== null && holdsBack(holder, lastVacuum, now);
  const judge = (table: UpkeepRow): MaintenanceTask | undefined =>
    taskFor(table, server, thresholds, options, isKept(table));
  return { judge, holder, isKept };
}

/** What must not wait goes first; of the rest, what brings most for its time. */
function ordered(tasks: readonly MaintenanceTask[]): MaintenanceTask[] {
  const urgent = ({ gain }: MaintenanceTask): number => (gain >= 500 ? 1 : 0);
  const worth = ({ gain, estimatedSeconds }: MaintenanceTask): number => gain / Math.sqrt(1 + estimatedSeconds);
  return tasks.toSorted((a, b) => urgent(b) - urgent(a) || worth(b) - worth(a));
}
