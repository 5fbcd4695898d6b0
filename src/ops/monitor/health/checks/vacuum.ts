import { readableName } from '../../../../sql/index.ts';
import type { TableState } from '../../types.ts';
import { type CheckDefinition, type Judgement, ok, warning } from '../check.ts';
import type { HealthInput } from '../input.ts';
import { notRead, settingNumber, settingValue } from '../reading.ts';
import { count, counted, duration, listed, percent } from '../../../words/index.ts';

/** Twice the threshold: autovacuum was due long ago and did not come or did not get done. */
const lateness = 2;
const leastRows = 10_000;

interface Formula {
  threshold: number;
  scale: number;
  /** autovacuum_vacuum_max_threshold (18 and newer). */
  most: number;
}

/**
 * Changed rows from which autovacuum takes up a table: `threshold + scale_factor × reltuples`, in 18 and newer at most
 * `max_threshold` (PostgreSQL manual, "The Autovacuum Daemon"). Settings of single tables are not looked at.
 */
function autovacuumFrom(formula: Formula, table: TableState): number {
  return Math.min(formula.threshold + formula.scale * (table.estimatedRows ?? table.liveRows), formula.most);
}

/** Tables with data of their own whose `changed` rows are far beyond the formula, the worst first. */
function behind(input: HealthInput, formula: Formula, changed: (table: TableState) => number): TableState[] {
  const excess = (table: TableState): number => changed(table) / autovacuumFrom(formula, table);
  return (input.tables ?? [])
    .filter((table) => table.kind !== 'partitioned' && changed(table) >= leastRows && excess(table) >= lateness)
    .toSorted((a, b) => changed(b) - changed(a));
}

function ago(input: HealthInput, ...dates: (Date | null)[]): string | undefined {
  const times = dates.flatMap((date) => (date ? [date.getTime()] : []));
  return times.length === 0 ? undefined : `${duration((input.now.getTime() - Math.max(...times)) / 1000)} ago`;
}

const nameOf = (table: TableState): string => readableName(table.schema, table.name);

function others(tables: readonly TableState[]): string {
  return tables.length > 1 ? `; also ${listed(tables.slice(1).map((table) => nameOf(table)))}` : '';
}

export const deadRows: CheckDefinition = {
  id: 'dead-rows',
  title: 'Vacuum',
  weight: 6,
  cap: null,
  thresholds:
    'warning when a table has twice the dead rows at which autovacuum starts (`autovacuum_vacuum_threshold` + `autovacuum_vacuum_scale_factor` × rows, at most `autovacuum_vacuum_max_threshold`) and at least 10,000; full loss when half of its rows are dead',
  source: '`pg_stat_user_tables`: `n_dead_tup`; PostgreSQL manual, "The Autovacuum Daemon"',
  collector: 'tables',
  primaryOnly: true,
  judge(input) {
    if (!input.tables) return notRead(input, 'The tables', ['tables', 'counters of tables and indexes']);
    const formula = {
      threshold: settingNumber(input, 'autovacuum_vacuum_threshold') ?? 50,
      scale: settingNumber(input, 'autovacuum_vacuum_scale_factor') ?? 0.2,
      most: positive(settingNumber(input, 'autovacuum_vacuum_max_threshold')),
    };
    const late = behind(input, formula, ({ deadRows: dead }) => dead);
    const worst = late[0];
    if (!worst)
      return ok(`Vacuum keeps up (${counted(input.tables.length, 'table')})`, { tables: input.tables.length });
    const vacuumed = ago(input, worst.lastVacuum, worst.lastAutovacuum);
    const ratio = (table: TableState): number => table.deadRows / (table.deadRows + table.liveRows);
    return warning(Math.max(0.25, Math.max(...late.map((table) => ratio(table))) / 0.5), {
      message:
        `${nameOf(worst)} has ${count(worst.deadRows)} dead rows (${percent(ratio(worst))}), ` +
        `${vacuumed ? `last vacuumed ${vacuumed}` : 'never vacuumed'}${others(late)}`,
      evidence: {
        tables: late.length,
        table: nameOf(worst),
        deadRows: worst.deadRows,
        liveRows: worst.liveRows,
        autovacuumFrom: Math.round(autovacuumFrom(formula, worst)),
      },
      advice:
        `Run VACUUM (ANALYZE) ${nameOf(worst)}; and see that no long transaction keeps dead rows alive. ` +
        (settingValue(input, 'autovacuum') === 'off'
          ? 'Autovacuum is off: turn it on.'
          : `If it comes back: ALTER TABLE ${nameOf(worst)} SET (autovacuum_vacuum_scale_factor = 0.02);`),
    });
  },
};

export const plannerStatistics: CheckDefinition = {
  id: 'planner-statistics',
  title: 'Planner statistics',
  weight: 4,
  cap: null,
  thresholds:
    'warning when a table changed twice as much as autovacuum waits for (`autovacuum_analyze_threshold` + `autovacuum_analyze_scale_factor` × rows) and by at least 10,000 rows, or has 10,000 rows and was never analysed; full loss at 5 tables',
  source: '`pg_stat_user_tables`: `n_mod_since_analyze`; `pg_class`: `reltuples`',
  collector: 'tables',
  primaryOnly: true,
  judge(input) {
    if (!input.tables) return notRead(input, 'The tables', ['tables', 'counters of tables and indexes']);
    const formula = {
      threshold: settingNumber(input, 'autovacuum_analyze_threshold') ?? 50,
      scale: settingNumber(input, 'autovacuum_analyze_scale_factor') ?? 0.1,
      most: Number.POSITIVE_INFINITY,
    };
    const never = input.tables
      .filter((table) => table.kind !== 'partitioned' && table.estimatedRows === null && table.liveRows >= leastRows)
      .toSorted((a, b) => b.liveRows - a.liveRows);
    const stale = behind(input, formula, (table) => (table.estimatedRows === null ? 0 : table.modifiedSinceAnalyze));
    const late = [...never, ...stale];
    const worst = late[0];
    if (!worst)
      return ok(`Planner statistics are fresh (${counted(input.tables.length, 'table')})`, {
        tables: input.tables.length,
      });
    return warning(Math.max(0.25, late.length / 5), describeStale(input, late, worst));
  },
};

function describeStale(
  input: HealthInput,
  late: readonly TableState[],
  worst: TableState,
): Parameters<typeof warning>[1] {
  const analysed = ago(input, worst.lastAnalyze, worst.lastAutoanalyze);
  const what =
    worst.estimatedRows === null
      ? `${nameOf(worst)} (${count(worst.liveRows)} rows) was never analysed`
      : `${count(worst.modifiedSinceAnalyze)} rows of ${nameOf(worst)} changed since it was analysed${analysed ? ` ${analysed}` : ''}`;
  return {
    message: `${what}, so its plans rest on ${worst.estimatedRows === null ? 'guesses' : 'old figures'}${others(late)}`,
    evidence: {
      tables: late.length,
      table: nameOf(worst),
      modifiedSinceAnalyze: worst.modifiedSinceAnalyze,
      liveRows: worst.liveRows,
    } satisfies Judgement['evidence'],
    advice: `Run ${late
      .slice(0, 3)
      .map((table) => `ANALYZE ${nameOf(table)};`)
      .join(' ')}`,
  };
}

function positive(limit: number | undefined): number {
  return limit !== undefined && limit >= 0 ? limit : Number.POSITIVE_INFINITY;
}
