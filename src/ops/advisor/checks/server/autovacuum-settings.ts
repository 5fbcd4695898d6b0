import { quoteIdentifier, readActivity, readUpkeep, type UpkeepRow } from '../../../../engine/postgres/index.ts';
import { readableName } from '../../../../sql/index.ts';
import { bytes, count, counted, listed } from '../../../words/index.ts';
import type { Check, CheckContext, Evidence, Finding } from '../../types.ts';
import { once } from '../readings.ts';
import { answer, answerWholly, judgedOnPrimary, notReadable, untoldOf } from './answers.ts';
import { readServerSettings, type ServerSettings } from './server-settings.ts';
import { settingRemedy } from './setting-remedy.ts';

export interface AutovacuumLimits {
  /** Tables with as many rows as this wait too long for a fifth of them to die. */
  largeRows: number;
  /** Dead rows that a large table may gather before it is vacuumed. */
  wantedDeadRows: number;
  /** Tables that are overdue while every worker is busy. */
  overdueTables: number;
}

const defaults: AutovacuumLimits = { largeRows: 10_000_000, wantedDeadRows: 500_000, overdueTables: 5 };

interface Seen {
  context: CheckContext;
  settings: ServerSettings;
}

/** Whether autovacuum runs, keeps up, and suits large tables. */
export function autovacuumSettingsCheck(limits: AutovacuumLimits = defaults): Check {
  return {
    id: 'autovacuum-settings',
    title: 'Autovacuum settings',
    documentation:
      '`autovacuum` or `track_counts` off (critical: nothing is vacuumed but in emergencies). All `autovacuum_max_workers` busy while ' +
      `${limits.overdueTables} tables have twice as many dead rows as \`autovacuum_vacuum_threshold\` + \`autovacuum_vacuum_scale_factor\` × rows: ` +
      'the cost limit is raised to ten times, because what keeps workers busy is that they pause, not that they are few. Tables of ' +
      `${count(limits.largeRows)} rows or more that are updated or deleted from, with the server’s scale factor: a factor of the table’s own, so that it is ` +
      `vacuumed after ${count(limits.wantedDeadRows)} dead rows (from 18 on, \`autovacuum_vacuum_max_threshold\` bounds it too). Cannot tell on a standby, nor, ` +
      'without `pg_monitor`, whether workers are busy while so many tables wait. Sources: `pg_class`, `pg_stat_activity`; PostgreSQL documentation, "Routine Vacuuming" and "Automatic Vacuuming".',
    run: (context) => run(context, limits),
  };
}

async function run(context: CheckContext, limits: AutovacuumLimits) {
  if (context.profile.isStandby) return judgedOnPrimary;
  const { rows, skipped } = await readUpkeep(context.connection, context.profile);
  if (skipped.length > 0) return notReadable(skipped, 'The tables');
  const seen: Seen = { context, settings: await readServerSettings(context) };
  const off = ['autovacuum', 'track_counts'].filter((name) => seen.settings.isOff(name));
  if (off.length > 0)
    return answer(
      off.map((name) => switchedOff(name, seen)),
      '',
    );
  const activity = await once(context, readActivity);
  const workers = activity.rows.filter(({ backendType }) => backendType === 'autovacuum worker').length;
  const overdue = rows.filter((table) => table.deadRows > 2 * threshold(table, seen.settings));
  const waiting = overdue.length >= limits.overdueTables;
  const busy = waiting ? cannotKeepUp(seen, overdue, workers) : undefined;
  return answerWholly(
    [...(busy ? [busy] : []), ...rows.flatMap((table) => largeTable(table, seen, limits) ?? [])],
    `Autovacuum is on, and suits ${counted(rows.length, 'table')}`,
    // Where few tables wait it does not matter who is at work.
    { untold: waiting ? untoldOf(activity.skipped) : [] },
  );
}

function switchedOff(name: string, { context, settings }: Seen): Finding {
  return {
    check: 'autovacuum-settings',
    key: `autovacuum-settings:${name}`,
    severity: 'critical',
    subject: { kind: 'setting', name },
    title: `${name} is off`,
    explanation:
      'Dead rows pile up, statistics age, and only what must be frozen before transaction ids run out is vacuumed, all at once.',
    evidence: [{ label: 'Set by', value: settings.row(name)?.source ?? null }],
    gain: null,
    remedy: settingRemedy(context.profile, settings, {
      name,
      value: 'on',
      risk: 'low',
      riskDetail: 'What has been left undone is vacuumed now, gently, but for some time.',
    }),
  };
}

/** Dead rows after which autovacuum vacuums a table. */
function threshold({ rows, options }: UpkeepRow, settings: ServerSettings): number {
  const own = (name: string): number | undefined => {
    const found = options.find((option) => option.startsWith(`${name}=`));
    return found === undefined ? settings.number(name) : Number(found.slice(name.length + 1));
  };
  const wanted =
    (own('autovacuum_vacuum_threshold') ?? 50) +
    (own('autovacuum_vacuum_scale_factor') ?? 0.2) * Math.max(0, rows ?? 0);
  const most = own('autovacuum_vacuum_max_threshold') ?? -1;
  return most >= 0 ? Math.min(most, wanted) : wanted;
}

function cannotKeepUp(
  { context, settings }: Seen,
  overdue: readonly UpkeepRow[],
  workers: number,
): Finding | undefined {
  const most = settings.number('autovacuum_max_workers') ?? 3;
  if (workers < most) return undefined;
  const name = 'autovacuum_vacuum_cost_limit';
  const own = settings.number(name) ?? -1;
  const limit = own > 0 ? own : (settings.number('vacuum_cost_limit') ?? 200);
  const delay = settings.number('autovacuum_vacuum_cost_delay') ?? 2;
  const dirty = settings.number('vacuum_cost_page_dirty') ?? 20;
  const perSecond = delay > 0 ? ((limit * 1000) / delay / dirty) * context.profile.blockSize : Number.POSITIVE_INFINITY;
  const evidence: Evidence[] = [
    { label: 'Workers, all of them busy', value: workers },
    { label: 'Tables with twice the dead rows that they should have', value: overdue.length },
    {
      label: 'Pages that all workers together may dirty per second',
      value: Number.isFinite(perSecond) ? `${bytes(perSecond)}` : 'no limit',
    },
  ];
  return {
    check: 'autovacuum-settings',
    key: `autovacuum-settings:${name}`,
    severity: 'warning',
    subject: { kind: 'setting', name },
    title: `All ${most} autovacuum workers are busy, and ${listed(overdue.map((table) => readableName(table.schema, table.name)))} wait`,
    explanation:
      'Workers share one cost limit: more of them would each be slower. A higher limit lets all of them do more before they pause.',
    evidence,
    gain: null,
    remedy: settingRemedy(context.profile, settings, {
      name,
      value: String(Math.min(10_000, Math.max(1000, limit * 10))),
      risk: 'low',
      riskDetail: 'Vacuuming reads and writes more per second; watch the disk.',
    }),
  };
}

function largeTable(table: UpkeepRow, { context, settings }: Seen, limits: AutovacuumLimits): Finding | undefined {
  const rows = table.rows ?? 0;
  const option = 'autovacuum_vacuum_scale_factor';
  const dead = threshold(table, settings);
  const changed = table.updates + table.deletes;
  if (table.kind === 'partitioned' || rows < limits.largeRows || dead <= 2 * limits.wantedDeadRows) return undefined;
  // A table that nobody updates has no dead rows to wait for.
  if (changed < rows * 0.01 || table.options.some((each) => each.startsWith('autovacuum_vacuum_'))) return undefined;
  const name = readableName(table.schema, table.name);
  const quoted = `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)}`;
  const factor = Math.max(0.001, Number((limits.wantedDeadRows / rows).toPrecision(1)));
  return {
    check: 'autovacuum-settings',
    key: `autovacuum-settings:${name}`,
    severity: 'info',
    subject: { kind: 'table', schema: table.schema, name: table.name },
    title: `${name} is vacuumed only after ${count(dead)} rows have died`,
    explanation:
      'A large table does better with small amounts of vacuuming often: dead rows take room in its pages and indexes until then.',
    evidence: [
      { label: 'Rows', value: rows, unit: 'rows' },
      { label: 'Dead rows now', value: table.deadRows, unit: 'rows' },
      { label: 'Updated and deleted', value: changed, unit: 'rows' },
    ],
    gain: null,
    remedy: {
      kind: 'setting',
      fix: [`ALTER TABLE ${quoted} SET (${option} = ${factor})`],
      undo: [`ALTER TABLE ${quoted} RESET (${option})`],
      risk: 'low',
      riskDetail:
        'It waits for VACUUM and index builds of the table, never for its readers and writers. Vacuuming comes more often.',
      appliable: table.isOwned && !context.profile.isStandby,
    },
  };
}

export const autovacuumSettings = autovacuumSettingsCheck();
