import { type ActivityRow, readActivity, readDatabases, readRoleSettings } from '../../../../engine/postgres/index.ts';
import { count, counted, duration, listed, percent } from '../../../words/index.ts';
import type { Check, CheckContext, Evidence, Finding, Remedy } from '../../types.ts';
import { once } from '../readings.ts';
import { answerWholly, notReadable, untoldOf } from './answers.ts';
import { knownTime } from './known-time.ts';
import { readServerSettings, type ServerSettings } from './server-settings.ts';
import { settingRemedy } from './setting-remedy.ts';

export interface ConnectionLimits {
  /** Shares of max_connections less the reserved ones. */
  warning: number;
  critical: number;
  /** Sessions that do nothing: at least so many, and this share of all. */
  leastIdle: number;
  idleShare: number;
  /** Idle in a transaction: for so long now, or so many sessions on average since counting began. */
  idleInTransactionSeconds: number;
  idleInTransactionSessions: number;
  /** A statement that runs for longer than this should have a limit. */
  longStatementSeconds: number;
}

const defaults: ConnectionLimits = {
  warning: 0.8,
  critical: 0.95,
  leastIdle: 50,
  idleShare: 0.75,
  idleInTransactionSeconds: 300,
  idleInTransactionSessions: 0.5,
  longStatementSeconds: 3600,
};

interface Seen {
  context: CheckContext;
  settings: ServerSettings;
  sessions: readonly ActivityRow[];
  now: Date;
  /** Sessions idle in a transaction, on average since counting began. */
  idleInTransaction: number;
  /** Roles that bring the setting along themselves. */
  rolesWith(setting: string): readonly string[];
}

/** How connections are used, and limits in time that are missing. */
export function connectionsCheck(limits: ConnectionLimits = defaults): Check {
  return {
    id: 'connections',
    title: 'Connections and their time limits',
    documentation:
      `Connections in use from ${percent(limits.warning)} of \`max_connections\` less the reserved ones (critical from ` +
      `${percent(limits.critical)}); ${limits.leastIdle} or more idle sessions that are ${percent(limits.idleShare)} of all; no ` +
      `\`idle_in_transaction_session_timeout\` although a session is idle in a transaction for ${duration(limits.idleInTransactionSeconds)} now, ` +
      `or ${limits.idleInTransactionSessions} sessions are on average; no \`statement_timeout\` although a statement runs for ` +
      `${duration(limits.longStatementSeconds)} now. Limits that roles bring along (ALTER ROLE … SET) count. Cannot tell what sessions of ` +
      'other users do without `pg_monitor`. Sources: `pg_stat_activity`, `pg_stat_database`; PostgreSQL documentation, "Client Connection Defaults".',
    run: (context) => run(context, limits),
  };
}

async function run(context: CheckContext, limits: ConnectionLimits) {
  const { connection } = context;
  const { rows, skipped } = await once(context, readActivity);
  const known = await knownTime(context);
  if (rows.length === 0 || known === undefined) return notReadable(skipped, 'The sessions');
  const databases = (await once(context, readDatabases)).rows;
  const roles = (await readRoleSettings(connection)).rows;
  const idleMs = databases.find(({ current }) => current)?.idleInTransactionMs ?? 0;
  const seen: Seen = {
    context,
    settings: await readServerSettings(context),
    sessions: rows.filter(isClient),
    now: known.now,
    // In the first minutes an average is of one session's moment.
    idleInTransaction: idleMs / 3_600_000 / Math.max(known.hours, 1),
    rolesWith: (setting) =>
      roles.flatMap(({ role, name, value }) => (role !== null && name === setting && value !== '0' ? [role] : [])),
  };
  const findings = [
    full(seen, limits),
    manyIdle(seen, limits),
    noIdleInTransactionTimeout(seen, limits),
    noStatementTimeout(seen, limits),
  ];
  return answerWholly(
    findings.filter((finding) => finding !== undefined),
    `${counted(seen.sessions.length, 'connection')} of ${count(usable(context))} in use, none of them for too long`,
    { untold: untoldOf(skipped) },
  );
}

/** Hidden sessions of other users count as clients: whatever they do, they take a connection. */
function isClient({ backendType, user, application }: ActivityRow): boolean {
  return (
    (backendType === 'client backend' || (backendType === 'unknown' && user !== null)) && application !== 'pitcrew'
  );
}

function usable({ profile }: CheckContext): number {
  return Math.max(1, profile.maxConnections - profile.reservedConnections);
}

function secondsSince(date: Date | null, now: Date): number {
  return date === null ? 0 : Math.max(0, (now.getTime() - date.getTime()) / 1000);
}

const pooler: Remedy = {
  kind: 'manual',
  fix: [],
  undo: [],
  risk: 'low',
  riskDetail:
    'Let applications share connections: a smaller pool in each process, or a pooler (PgBouncer) between. Raising max_connections ' +
    'costs memory and makes every snapshot slower.',
  appliable: false,
};

function full({ context, sessions }: Seen, limits: ConnectionLimits): Finding | undefined {
  const share = sessions.length / usable(context);
  if (share < limits.warning) return undefined;
  return {
    check: 'connections',
    key: 'connections:max_connections',
    severity: share >= limits.critical ? 'critical' : 'warning',
    subject: { kind: 'setting', name: 'max_connections' },
    title: `${count(sessions.length)} of ${count(usable(context))} connections are in use`,
    explanation: 'When none is left, applications are refused, and so is whoever comes to help.',
    evidence: [{ label: 'In use', value: share, unit: 'ratio' }, ...byRole(sessions)],
    gain: null,
    remedy: pooler,
  };
}

function manyIdle({ context, sessions, now, settings }: Seen, limits: ConnectionLimits): Finding | undefined {
  const idle = sessions.filter(({ state }) => state === 'idle');
  if (idle.length < limits.leastIdle || idle.length / sessions.length < limits.idleShare) return undefined;
  const forgotten = idle.filter(({ stateChange }) => secondsSince(stateChange, now) >= 86_400);
  const unbounded = settings.number('idle_session_timeout') === 0;
  return {
    check: 'connections',
    key: 'connections:idle',
    severity: 'info',
    subject: { kind: 'database', name: context.profile.database },
    title: `${count(idle.length)} of ${counted(sessions.length, 'connection')} are idle`,
    explanation:
      'Every connection is a process of the server with memory of its own, and is looked at whenever a snapshot is taken, also when it does nothing.',
    evidence: [{ label: 'Idle for a day or longer', value: forgotten.length }, ...byRole(idle)],
    gain: null,
    remedy:
      forgotten.length > 0 && unbounded
        ? {
            ...pooler,
            riskDetail: `${pooler.riskDetail} Sessions that people forget are ended by a limit for their roles (ALTER ROLE … SET idle_session_timeout), not for pools, whose connections are meant to wait.`,
          }
        : pooler,
  };
}

function noIdleInTransactionTimeout(seen: Seen, limits: ConnectionLimits): Finding | undefined {
  const name = 'idle_in_transaction_session_timeout';
  if (seen.settings.number(name) !== 0) return undefined;
  const own = seen.rolesWith(name);
  const offending = seen.sessions.filter(
    ({ state, stateChange, user }) =>
      (state?.startsWith('idle in transaction') ?? false) &&
      secondsSince(stateChange, seen.now) >= limits.idleInTransactionSeconds &&
      !own.includes(user ?? ''),
  );
  if (offending.length === 0 && seen.idleInTransaction < limits.idleInTransactionSessions) return undefined;
  return {
    check: 'connections',
    key: `connections:${name}`,
    severity: 'warning',
    subject: { kind: 'setting', name },
    title:
      offending.length > 0
        ? `${counted(offending.length, 'session')} of ${listed([...new Set(offending.map(({ user }) => user ?? ''))])} sit idle in a transaction, and nothing ends them`
        : 'Sessions are often idle in a transaction, and nothing ends one that stays so',
    explanation:
      'A session that is idle in a transaction keeps its locks, and keeps VACUUM from removing what it might still want to see. A ' +
      'limit ends what an application has forgotten.',
    evidence: [
      { label: 'Sessions idle in a transaction, on average', value: seen.idleInTransaction },
      ...byRole(offending),
    ],
    gain: null,
    remedy: settingRemedy(seen.context.profile, seen.settings, {
      name,
      value: '10min',
      risk: 'medium',
      riskDetail:
        'Sessions that wait longer than that between two statements of a transaction are ended, and their transaction is rolled back. ' +
        'For one role alone: ALTER ROLE … SET idle_in_transaction_session_timeout.',
    }),
  };
}

function noStatementTimeout(seen: Seen, limits: ConnectionLimits): Finding | undefined {
  const name = 'statement_timeout';
  if (seen.settings.number(name) !== 0) return undefined;
  const own = seen.rolesWith(name);
  const long = seen.sessions.filter(
    ({ state, queryStart, user }) =>
      state === 'active' &&
      secondsSince(queryStart, seen.now) >= limits.longStatementSeconds &&
      !own.includes(user ?? ''),
  );
  if (long.length === 0) return undefined;
  const users = [...new Set(long.map(({ user }) => user ?? ''))];
  return {
    check: 'connections',
    key: `connections:${name}`,
    severity: 'info',
    subject: { kind: 'setting', name },
    title: `${counted(long.length, 'statement')} of ${listed(users)} run for more than ${duration(limits.longStatementSeconds)}, and nothing limits them`,
    explanation:
      'A statement without a limit goes on after whoever asked has gone, and holds its snapshot and its locks.',
    evidence: byRole(long),
    gain: null,
    remedy: {
      kind: 'manual',
      fix: [],
      undo: [],
      risk: 'medium',
      riskDetail:
        'Set a limit for the roles of applications, not for the server, whose dumps and migrations may take long: ALTER ROLE … SET statement_timeout.',
      appliable: false,
    },
  };
}

function byRole(sessions: readonly ActivityRow[]): Evidence[] {
  return [...Map.groupBy(sessions, ({ user }) => user ?? 'unknown')]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .slice(0, 5)
    .map(([role, own]) => ({ label: `Sessions of ${role}`, value: own.length }));
}

export const connections = connectionsCheck();
