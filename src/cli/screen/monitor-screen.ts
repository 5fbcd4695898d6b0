import type { DatabaseMonitor, HealthCheck, HealthReport, Session } from '../../ops/monitor/index.ts';
import { paint } from '../output.ts';
import { formatBytes, formatCount, formatMs, formatRatio, oneLine } from './format.ts';
import { renderTable } from './table.ts';

/** The one readable screen of `pitcrew monitor`: health, what is wrong, figures, sessions. */
export function monitorScreen(monitor: DatabaseMonitor, now: Date): string {
  const health = monitor.health();
  return [
    heading(monitor, health),
    ...checkLines(health),
    '',
    ...figureLines(monitor),
    '',
    ...sessionLines(monitor, now),
  ].join('\n');
}

function heading(monitor: DatabaseMonitor, health: HealthReport): string {
  const { server, address, connection, message, hint } = monitor.status();
  const score = health.score === null ? 'health unknown' : `health ${health.score.toFixed(0)} (${health.grade})`;
  const what = server ? `PostgreSQL ${server.version}${server.isStandby ? ', standby' : ''}` : connection;
  const first = `${paint('bold', monitor.name)}  ${paint(tone(health.status), score)}  ${paint('dim', `${what} at ${address}`)}`;
  if (connection === 'watching') return first;
  return [first, `  ${paint('red', connection)}: ${message ?? ''}`, hint ? `  ${paint('dim', 'hint')} ${hint}` : '']
    .filter(Boolean)
    .join('\n');
}

type Tone = 'red' | 'yellow' | 'green' | 'dim';

function tone(status: HealthReport['status'] | HealthCheck['status']): Tone {
  if (status === 'critical') return 'red';
  if (status === 'warning') return 'yellow';
  return status === 'unknown' ? 'dim' : 'green';
}

const marks: Record<HealthCheck['status'], string> = { critical: '✗', warning: '!', unknown: '?', ok: '✓' };

function checkLines({ checks }: HealthReport): string[] {
  const shown = (['critical', 'warning', 'unknown'] as const).flatMap((status) =>
    checks.filter((check) => check.status === status).toSorted((a, b) => b.pointsLost - a.pointsLost),
  );
  const fine = checks.filter(({ status }) => status === 'ok').length;
  const lines = shown.flatMap((check) => {
    const lost = check.pointsLost > 0 ? paint('dim', ` (−${check.pointsLost.toFixed(0)})`) : '';
    const line = `  ${paint(tone(check.status), marks[check.status])} ${check.message}${lost}`;
    return check.advice && check.status !== 'unknown' ? [line, `    ${paint('dim', check.advice)}`] : [line];
  });
  return [...lines, `  ${paint('green', marks.ok)} ${fine} of ${checks.length} checks are fine`];
}

function figureLines(monitor: DatabaseMonitor): string[] {
  const latest = monitor.latest();
  const value = (name: string): number | null => latest.get(name)?.value ?? null;
  const ratio = (part: number | null, rest: number | null): number | null =>
    part === null || rest === null || part + rest === 0 ? null : part / (part + rest);
  const calls = value('statements.calls');
  const seconds = value('statements.exec_seconds');
  const figures: [string, string][] = [
    ['statements', `${formatCount(calls)}/s`],
    ['mean time', formatMs(calls && seconds !== null ? (seconds / calls) * 1000 : null)],
    ['transactions', `${formatCount(sum(value('database.commits'), value('database.rollbacks')))}/s`],
    ['rolled back', formatRatio(ratio(value('database.rollbacks'), value('database.commits')))],
    ['connections', `${formatCount(value('sessions.total'))} of ${formatCount(value('sessions.max_connections'))}`],
    ['buffer hits', formatRatio(ratio(value('database.blocks_hit'), value('database.blocks_read')))],
    ['WAL', `${formatBytes(value('wal.bytes'))}/s`],
    ['temp files', `${formatBytes(value('database.temp_bytes'))}/s`],
  ];
  const width = 13;
  const cell = ([title, text]: [string, string]): string => `  ${paint('dim', title.padEnd(width))}${text.padEnd(16)}`;
  return [0, 4].map((from) =>
    figures
      .slice(from, from + 4)
      .map((figure) => cell(figure))
      .join('')
      .trimEnd(),
  );
}

function sum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

function sessionLines(monitor: DatabaseMonitor, now: Date): string[] {
  const activity = monitor.activity();
  if (!activity) return ['  No sessions have been read yet.'];
  const states = Object.entries(activity.byState).map(([state, count]) => `${count} ${state}`);
  const busy = activity.sessions
    .filter(
      ({ state, own, backendType }) => backendType === 'client backend' && !own && state !== 'idle' && state !== null,
    )
    .toSorted((a, b) => age(b, now) - age(a, now));
  const lines = [`  ${paint('bold', 'Sessions')}  ${states.join(', ') || 'none'}`];
  if (busy.length === 0) return lines;
  const width = (process.stdout.columns ?? 120) - 62;
  const rows = busy
    .slice(0, 10)
    .map((session) => [
      `  ${session.pid}`,
      oneLine(session.user ?? '', 12),
      oneLine(session.state ?? '', 19),
      formatMs(age(session, now)),
      session.blockedBy.length > 0
        ? paint('red', `by ${session.blockedBy.join(',')}`)
        : oneLine(session.waitEvent ?? '', 14),
      oneLine(session.query, Math.max(20, width)),
    ]);
  const columns = ['  pid', 'user', 'state', 'for', 'waits', 'statement'].map((title) => ({
    title: paint('dim', title),
    align: title === 'for' ? ('right' as const) : ('left' as const),
  }));
  return [
    ...lines,
    ...renderTable(columns, rows),
    ...(busy.length > 10 ? [paint('dim', `  … and ${busy.length - 10} more`)] : []),
  ];
}

/** How long a session has been in its state, or its transaction open, whichever is longer. */
function age(session: Session, now: Date): number {
  const since = session.transactionStart ?? session.stateChange ?? session.queryStart;
  return since ? Math.max(0, now.getTime() - since.getTime()) : 0;
}
