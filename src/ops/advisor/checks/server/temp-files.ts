import { readDatabases, readRoleSettings, type RoleSettingRow } from '../../../../engine/postgres/index.ts';
import { bytes, counted } from '../../../words/index.ts';
import type { Check, CheckContext, Finding, Remedy } from '../../types.ts';
import { once } from '../readings.ts';
import { answer, answerWholly, notReadable, unknown } from './answers.ts';
import { hoursBetween, knownTime, moment } from './known-time.ts';
import { roleSettingRemedy } from './role-setting-remedy.ts';
import { asSize, readServerSettings, type ServerSettings } from './server-settings.ts';
import { readStatementCosts, type StatementCost, untoldStatements } from './statement-costs.ts';

export interface TempFileLimits {
  /** What statements of a role wrote in all, and per hour. */
  leastBytes: number;
  leastBytesPerHour: number;
  /** Less often is somebody's report. */
  leastCalls: number;
}

const megabyte = 1024 ** 2;
const defaults: TempFileLimits = { leastBytes: 64 * megabyte, leastBytesPerHour: 64 * megabyte, leastCalls: 5 };
/** More is no setting any more: the statement wants another plan. */
const mostWorkMem = 512 * megabyte;

/** Sorts and hashes that do not fit work_mem and go to disk. */
export function tempFilesCheck(limits: TempFileLimits = defaults): Check {
  return {
    id: 'temp-files',
    title: 'Temporary files',
    documentation:
      `Statements that were called at least ${limits.leastCalls} times and write temporary files, by role: from ${bytes(limits.leastBytes)} in all ` +
      `and ${bytes(limits.leastBytesPerHour)} an hour; a warning from 1 GB an hour. The proposal is a \`work_mem\` of the role, not of ` +
      'the server: the present value + 2 × what one call writes (rows take about twice as much room in memory as in a temporary file), ' +
      `rounded up to a power of two, at most ${bytes(mostWorkMem)}, and so that it fits a quarter of the machine's memory with all ` +
      'sessions that the role has now. Definitions (CREATE INDEX) are left out: they use `maintenance_work_mem`. Cannot tell which ' +
      'statements without pg_stat_statements, and without the right to see those of other users (`pg_monitor`). Sources: `pg_stat_statements`, `pg_stat_database`; PostgreSQL documentation, "Resource Consumption".',
    run: (context) => run(context, limits),
  };
}

async function run(context: CheckContext, limits: TempFileLimits) {
  const { connection, profile } = context;
  const known = await knownTime(context);
  const databases = await once(context, readDatabases);
  const database = databases.rows.find(({ current }) => current);
  if (!known || !database) return notReadable(databases.skipped, 'The counters of the database');
  const evidence = [
    { label: 'Counted since', value: moment(known.since) },
    { label: 'Temporary files', value: database.tempBytes, unit: 'bytes' as const },
  ];
  if (database.tempBytes === 0) return answer([], 'Nothing was written to temporary files', { evidence });
  const { costs, since, skipped } = await readStatementCosts(context, ({ tempWritten }) => tempWritten);
  if (!profile.statements.usable) {
    return unknown(
      `${bytes(database.tempBytes)} went to temporary files since ${moment(known.since)}, but not which statements wrote them: ${skipped[0]?.reason ?? 'pg_stat_statements is not in use'}`,
      skipped[0]?.fix ?? null,
    );
  }
  const spilling = costs.filter(
    ({ kind, calls }) => ['select', 'insert', 'update', 'delete', 'merge'].includes(kind) && calls >= limits.leastCalls,
  );
  // A statement counts since it was first seen: the time since the reset is longer, so the rate is no exaggeration.
  const hours = Math.max(1, since ? hoursBetween(since, known.now) : known.hours);
  const settings = await readServerSettings(context);
  const roles = (await readRoleSettings(connection)).rows;
  const sessions = await sessionsOf(context);
  // A role that was dropped is shown by its oid in brackets: it spills no more.
  const byRole = Map.groupBy(
    spilling.filter(({ role }) => !/^\(\d+\)$/.test(role)),
    ({ role }) => role,
  );
  const findings = [...byRole].flatMap(([role, statements]) => {
    const written = statements.reduce((sum, { tempBlocks }) => sum + tempBlocks * profile.blockSize, 0);
    const hourly = written / hours;
    if (written < limits.leastBytes || hourly < limits.leastBytesPerHour) return [];
    return [spill({ context, role, statements, written, hourly, settings, roles, sessions: sessions.get(role) ?? 1 })];
  });
  return answerWholly(findings, `${bytes(database.tempBytes)} went to temporary files, little of it again and again`, {
    evidence,
    untold: untoldStatements(skipped, 'what other statements write'),
  });
}

interface Spill {
  context: CheckContext;
  role: string;
  statements: readonly StatementCost[];
  written: number;
  hourly: number;
  settings: ServerSettings;
  roles: readonly RoleSettingRow[];
  sessions: number;
}

function spill(found: Spill): Finding {
  const { context, role, statements, written, hourly, settings } = found;
  const blockSize = context.profile.blockSize;
  const largest = Math.max(...statements.map(({ tempBlocks, calls }) => (tempBlocks * blockSize) / calls));
  const needed = powerOfTwo((settings.bytes('work_mem') ?? 0) + 2 * largest);
  return {
    check: 'temp-files',
    key: `temp-files:${role}`,
    severity: hourly >= 1024 ** 3 ? 'warning' : 'info',
    subject: { kind: 'setting', name: 'work_mem' },
    title: `${counted(statements.length, 'statement')} of ${role} wrote ${bytes(written)} of temporary files`,
    explanation:
      'A sort or a hash that does not fit work_mem goes through temporary files on disk. More memory for the role that runs these ' +
      'statements spares that, without giving it to every session of the server.',
    evidence: [
      { label: 'Written per hour', value: Math.round(hourly), unit: 'bytes' },
      { label: 'Written by one call, at most', value: Math.round(largest), unit: 'bytes' },
      { label: 'work_mem of the server', value: settings.bytes('work_mem') ?? null, unit: 'bytes' },
      { label: 'Sessions of the role now', value: found.sessions },
      ...statements.slice(0, 5).map(({ queryId, text, calls, tempBlocks }) => ({
        label: `Statement ${queryId}: ${bytes((tempBlocks * blockSize) / calls)} a call`,
        value: text.slice(0, 300),
      })),
    ],
    gain: { text: `Up to ${bytes(hourly)} written less to temporary files per hour` },
    remedy: remedy(found, needed),
  };
}

function remedy({ context, role, roles, sessions }: Spill, needed: number): Remedy {
  const { machine } = context;
  const worst = needed * sessions;
  if (needed > mostWorkMem || (machine !== null && worst > machine.memoryBytes / 4)) {
    return {
      kind: 'manual',
      fix: [],
      undo: [],
      risk: 'low',
      riskDetail:
        `These statements would need about ${bytes(needed)} of work_mem each, too much to give. Look at their plans: an index spares a ` +
        'sort, a narrower SELECT makes rows smaller; or set work_mem for the one transaction that needs it (SET LOCAL work_mem).',
      appliable: false,
    };
  }
  return {
    ...roleSettingRemedy(roles, { role, name: 'work_mem', value: asSize(needed) }),
    risk: 'medium',
    riskDetail: `Sessions of ${role} that begin from now on may use ${bytes(needed)} per sort and ${machine === null ? 'hash, and how much memory the machine has is not known' : `hash: ${bytes(worst)} with the sessions of now, of ${bytes(machine.memoryBytes)}`}.`,
    appliable: machine !== null,
  };
}

function powerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(value, megabyte)));
}

/** Sessions by role. */
async function sessionsOf({ connection }: CheckContext): Promise<Map<string, number>> {
  const rows = await connection.run<{ role: string; sessions: number }>(
    `
    SELECT usename   AS "role",
           count(*)  AS "sessions"
      FROM pg_stat_activity
     WHERE usename IS NOT NULL
     GROUP BY usename
    `,
  );
  return new Map(rows.map(({ role, sessions }) => [role, sessions]));
}

export const tempFiles = tempFilesCheck();
