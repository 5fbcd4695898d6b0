import { readTables, type TableRow } from '../../../../../engine/postgres/index.ts';
import { count, counted, duration, percent } from '../../../../words/index.ts';
import type { Check, Finding, Remedy, Untold } from '../../../types.ts';
import { judgedWholly, unknown } from '../../answers.ts';
import { needed } from '../../needed.ts';
import { once } from '../../readings.ts';
import { thresholdsOf } from '../../thresholds.ts';
import { keyOf, quoted, spoken } from '../names.ts';
import { type Autovacuum, readAutovacuum, readTableOptions, readWorkedOn } from './autovacuum.ts';
import { type Holder, holderEvidence, holderRemedy, holdsBack, readHorizon } from './horizon.ts';

/** Twice the threshold: autovacuum was due long ago. */
const lateness = 2;
/** A table that was vacuumed since is given time. */
const patienceMs = 3_600_000;

interface Behind {
  table: TableRow;
  autovacuum: Autovacuum;
  lastVacuum: Date | null;
  holder: Holder | null;
}

export const vacuumBehind: Check = {
  id: 'vacuum-behind',
  title: 'Vacuum falling behind',
  documentation: `
    Speaks up when a table has twice the dead rows at which autovacuum takes it up, and at least 10,000: the formula is PostgreSQL's
    own, \`autovacuum_vacuum_threshold\` + \`autovacuum_vacuum_scale_factor\` × rows, at most
    \`autovacuum_vacuum_max_threshold\`, with the table's own storage parameters. A table that was vacuumed in the last hour,
    or is being vacuumed, is left in peace, unless something holds VACUUM back.

    What holds it back is named: a transaction, a prepared one, a replication slot, or a query on a standby that needs rows which are
    dead for everyone else. Then VACUUM would not help, and the advice is about that.

    Info; warning when a fifth of the rows are dead, autovacuum is off, or something holds it back. Not known without
    \`track_counts\`, and on a standby, which does not count.

    Source: \`pg_stat_user_tables\`: \`n_dead_tup\`; \`pg_stat_activity\`, \`pg_prepared_xacts\`, \`pg_replication_slots\`.
  `,
  async run(context) {
    const { connection, profile } = context;
    if (profile.isStandby) return unknown('A standby does not count dead rows', 'ask the primary');
    if (!profile.trackCounts) return unknown('Dead rows are not counted: track_counts is off', 'set track_counts = on');
    const tables = needed(await once(context, readTables), 'The tables').filter(({ kind }) => kind !== 'partitioned');
    const settings = await readAutovacuum(context);
    const options = await once(context, readTableOptions);
    const horizon = await once(context, readHorizon);
    const { smallTableRows } = thresholdsOf(context);
    const working = await readWorkedOn(connection, 'vacuum');
    const now = new Date();
    const late = tables
      .map((table): Behind => {
        const lastVacuum = latest(table.lastVacuum, table.lastAutovacuum);
        const holder = horizon.oldest && holdsBack(horizon.oldest, lastVacuum, now) ? horizon.oldest : null;
        return { table, autovacuum: settings.of(options.get(table.oid)?.options ?? null), lastVacuum, holder };
      })
      .filter(({ table, autovacuum, lastVacuum, holder }) => {
        const from = autovacuum.vacuumFrom(table.estimatedRows ?? table.liveRows);
        const recent = lastVacuum !== null && now.getTime() - lastVacuum.getTime() < patienceMs;
        const due = table.deadRows >= smallTableRows && table.deadRows >= lateness * from;
        return due && !working.has(table.oid) && (holder !== null || !recent);
      })
      .toSorted((a, b) => b.table.deadRows - a.table.deadRows);
    const untold: Untold[] = [];
    if (late.length > 0 && horizon.hidden) {
      untold.push({
        reason: 'Whether sessions of other roles hold VACUUM back is hidden from this role',
        fix: `GRANT pg_read_all_stats TO ${profile.user}`,
      });
    }
    return judgedWholly({
      findings: late.map((each) => describe(each, now)),
      fine: `Vacuum keeps up (${counted(tables.length, 'table')})`,
      untold,
    });
  },
};

function latest(...dates: (Date | null)[]): Date | null {
  return dates.filter((date) => date !== null).toSorted((a, b) => b.getTime() - a.getTime())[0] ?? null;
}

function describe({ table, autovacuum, lastVacuum, holder }: Behind, now: Date): Finding {
  const name = spoken(table);
  const share = table.deadRows / Math.max(1, table.deadRows + table.liveRows);
  const when = lastVacuum
    ? `last vacuumed ${duration((now.getTime() - lastVacuum.getTime()) / 1000)} ago`
    : 'not vacuumed since statistics began';
  const why = holder
    ? `VACUUM cannot remove them while ${holder.text} may need them.`
    : autovacuum.enabled
      ? `If that comes back: ALTER TABLE ${quoted(table)} SET (autovacuum_vacuum_scale_factor = 0.02), so that autovacuum comes earlier.`
      : 'Autovacuum is turned off for it.';
  return {
    check: vacuumBehind.id,
    key: keyOf(vacuumBehind.id, table),
    severity: share >= 0.2 || holder || !autovacuum.enabled ? 'warning' : 'info',
    subject: { kind: 'table', schema: table.schema, name: table.name },
    title: `${name} has ${count(table.deadRows)} dead rows (${percent(share)}), ${when}`,
    explanation: `Dead rows take room in the table and its indexes, and every scan reads them. ${why}`,
    evidence: [
      { label: 'Dead rows', value: table.deadRows, unit: 'rows' },
      { label: 'Rows', value: table.liveRows, unit: 'rows' },
      {
        label: 'Autovacuum from',
        value: Math.round(autovacuum.vacuumFrom(table.estimatedRows ?? table.liveRows)),
        unit: 'rows',
      },
      { label: 'Autovacuum', value: autovacuum.enabled },
      { label: 'Last vacuum', value: lastVacuum?.toISOString() ?? null },
      ...(holder ? holderEvidence(holder) : []),
    ],
    gain: { text: 'Room for new rows, and shorter scans' },
    remedy: holder ? holderRemedy(holder) : vacuum(table),
  };
}

function vacuum(table: TableRow): Remedy {
  return {
    kind: 'vacuum',
    fix: [`VACUUM (ANALYZE) ${quoted(table)}`],
    undo: [],
    risk: 'low',
    riskDetail:
      'Reads what changed and all indexes of the table; reads and writes go on. No other VACUUM or DDL runs on it meanwhile.',
    appliable: true,
  };
}
