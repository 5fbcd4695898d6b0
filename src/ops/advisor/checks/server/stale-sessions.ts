import {
  type OpenTransactionRow,
  type PreparedTransactionRow,
  readOpenTransactions,
  readPreparedTransactions,
} from '../../../../engine/postgres/index.ts';
import { count, counted, duration } from '../../../words/index.ts';
import type { Check, CheckContext, Evidence, Finding, Remedy } from '../../types.ts';
import { answer, unknown, untoldOf } from './answers.ts';
import { knownTime } from './known-time.ts';

export interface StaleSessionLimits {
  /** Idle in a transaction for so long, in seconds; at once when it keeps others waiting for a minute. */
  idleWarning: number;
  idleCritical: number;
  /** At work in one transaction, in seconds. */
  openWarning: number;
  /** A prepared transaction that nobody has finished, in seconds. */
  preparedWarning: number;
}

const defaults: StaleSessionLimits = {
  idleWarning: 900,
  idleCritical: 4 * 3600,
  openWarning: 4 * 3600,
  preparedWarning: 3600,
};
const blockingSeconds = 60;

/** Transactions that were left open, and what they hold. */
export function staleSessionsCheck(limits: StaleSessionLimits = defaults): Check {
  return {
    id: 'stale-sessions',
    title: 'Transactions left open',
    documentation:
      `Sessions that are idle in a transaction for ${duration(limits.idleWarning)} (critical from ${duration(limits.idleCritical)}, or for a ` +
      `minute while others wait for their locks), transactions that are at work for ${duration(limits.openWarning)}, and prepared ` +
      `transactions that are ${duration(limits.preparedWarning)} old. Cannot tell what sessions of other users do without \`pg_monitor\`. ` +
      'Sources: `pg_stat_activity`, `pg_locks`, `pg_prepared_xacts`; PostgreSQL documentation, "Routine Vacuuming".',
    run: (context) => run(context, limits),
  };
}

async function run(context: CheckContext, limits: StaleSessionLimits) {
  const { connection, profile } = context;
  const now = (await knownTime(context))?.now ?? new Date();
  const open = await readOpenTransactions(connection, profile);
  const prepared = await readPreparedTransactions(connection);
  const findings = [
    ...open.rows.flatMap((row) => judge(row, limits) ?? []),
    ...prepared.rows.flatMap((row) => judgePrepared(row, now, limits) ?? []),
  ];
  const [hidden] = open.skipped;
  if (findings.length === 0 && hidden) return unknown(hidden.reason, hidden.fix);
  return answer(findings, `${counted(open.rows.length, 'open transaction')}, none left open`, {
    untold: untoldOf([...open.skipped, ...prepared.skipped]),
  });
}

function judge(row: OpenTransactionRow, limits: StaleSessionLimits): Finding | undefined {
  const idle = row.state?.startsWith('idle in transaction') ?? false;
  const seconds = idle ? (row.stateSeconds ?? 0) : (row.transactionSeconds ?? 0);
  const blocking = idle && row.blocks > 0 && seconds >= blockingSeconds;
  if (!blocking && seconds < (idle ? limits.idleWarning : limits.openWarning)) return undefined;
  if (row.state === null) return undefined;
  const who = `${row.user ?? 'unknown'}${row.application === '' ? '' : ` (${row.application})`}`;
  return {
    check: 'stale-sessions',
    key: `stale-sessions:${row.pid}@${Math.round(row.backendStartMicros)}`,
    severity: idle && (blocking || seconds >= limits.idleCritical) ? 'critical' : 'warning',
    subject: { kind: 'session', name: String(row.pid) },
    title: idle
      ? `The session of ${who} has been idle in a transaction for ${duration(seconds)}`
      : `The transaction of ${who} has been open for ${duration(seconds)}`,
    explanation: consequences(row),
    evidence: evidenceOf(row),
    gain: null,
    remedy: remedy(row, idle),
  };
}

function consequences({ xminAge, relationLocks, blocks }: OpenTransactionRow): string {
  const held = [
    ...(blocks > 0 ? [`keeps ${counted(blocks, 'session')} waiting`] : []),
    ...(relationLocks > 0 ? [`holds locks on ${counted(relationLocks, 'table or index', 'tables and indexes')}`] : []),
    ...(xminAge === null
      ? []
      : [`keeps VACUUM from removing rows that died in the last ${count(xminAge)} transactions`]),
  ];
  return held.length === 0 ? 'It holds no lock and no snapshot, only its connection.' : `It ${held.join(', ')}.`;
}

function evidenceOf(row: OpenTransactionRow): Evidence[] {
  return [
    { label: 'Process', value: row.pid },
    { label: 'Database', value: row.database },
    { label: 'Client', value: row.client },
    { label: 'State', value: row.state },
    { label: 'Transaction open', value: row.transactionSeconds, unit: 'seconds' },
    { label: 'Has changed data', value: row.writing },
    { label: 'Locks on tables and indexes', value: row.relationLocks },
    { label: 'Sessions that wait for it', value: row.blocks },
    { label: 'Transactions since its oldest snapshot', value: row.xminAge },
  ];
}

/**
 * Ends exactly that session, and only while it still is what was seen: a process id is used again, and a session that goes on
 * with its work is none of ours to end.
 */
function remedy({ pid, backendStartMicros, transactionStart, state }: OpenTransactionRow, idle: boolean): Remedy {
  const call = idle ? 'pg_terminate_backend' : 'pg_cancel_backend';
  const micros = Math.round(backendStartMicros);
  const same = [
    `pid = ${pid}`,
    `round(extract(epoch FROM backend_start) * 1e6) = ${micros}`,
    ...(transactionStart === null
      ? []
      : [`abs(extract(epoch FROM xact_start) - ${transactionStart.getTime() / 1000}) < 0.002`]),
    `state = '${state ?? ''}'`,
  ];
  return {
    kind: 'session',
    fix: [`SELECT ${call}(pid) FROM pg_stat_activity WHERE ${same.join(' AND ')}`],
    undo: [],
    risk: 'medium',
    riskDetail: idle
      ? 'Its transaction is rolled back and its connection ended; the application sees an error when it comes back.'
      : 'Its statement is cancelled; the application sees an error. Let it end by itself where it does useful work.',
    appliable: idle,
  };
}

function judgePrepared(row: PreparedTransactionRow, now: Date, limits: StaleSessionLimits): Finding | undefined {
  const seconds = Math.max(0, (now.getTime() - row.preparedAt.getTime()) / 1000);
  if (seconds < limits.preparedWarning) return undefined;
  const gid = row.gid.replaceAll("'", "''");
  return {
    check: 'stale-sessions',
    key: `stale-sessions:prepared:${row.gid}`,
    severity: 'warning',
    subject: { kind: 'session', name: row.gid },
    title: `The prepared transaction ${row.gid} of ${row.owner} waits for ${duration(seconds)} to be finished`,
    explanation:
      'It survives restarts, keeps its locks, and keeps VACUUM from removing dead rows until it is committed or rolled back.',
    evidence: [
      { label: 'Database', value: row.database },
      { label: 'Prepared since', value: row.preparedAt.toISOString() },
    ],
    gain: null,
    remedy: {
      kind: 'session',
      fix: [`ROLLBACK PREPARED '${gid}'`],
      undo: [],
      risk: 'high',
      riskDetail:
        'Ask its coordinator first: when it has committed elsewhere, this must be COMMIT PREPARED, or data no longer agrees.',
      appliable: false,
    },
  };
}

export const staleSessions = staleSessionsCheck();
