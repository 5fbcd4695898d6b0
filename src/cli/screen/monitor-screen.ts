import type { HealthCheck, HealthReport, MonitorStatus } from '../../ops/monitor/index.ts';
import { paint } from '../output.ts';
import { formatBytes, formatCount, formatMs, formatRatio, wrapped } from './format.ts';
import type { Look } from './look.ts';
import { sessionLines } from './sessions.ts';
import { statementLines } from './statements.ts';
import { tableLines } from './tables.ts';

/** Terminals that tell no width are taken to be as wide as the narrowest that people use. */
const narrowest = 80;

/** The one readable screen of `pitcrew monitor`: health, what is wrong, figures, statements, tables, sessions. */
export function monitorScreen(look: Look, now: Date, width: number = process.stdout.columns ?? narrowest): string {
  const columns = Math.max(narrowest, width);
  const sections = [
    [...heading(look, columns), ...checkLines(look.health, columns)],
    figureLines(look),
    statementLines(look.top, columns),
    tableLines(look.tables, columns),
    sessionLines(look.activity, now, columns),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function heading({ name, status, health }: Look, columns: number): string[] {
  const { address, connection, message, hint } = status;
  const score = health.score === null ? 'health unknown' : `health ${health.score.toFixed(0)} (${health.grade})`;
  const first = `${paint('bold', name)}  ${paint(tone(health.status), score)}  ${paint('dim', whatOf(status))}`;
  const fits = `${name}  ${score}  ${whatOf(status)} at ${address}`.length <= columns;
  return [
    fits ? `${first} ${paint('dim', `at ${address}`)}` : `${first}\n  ${paint('dim', `at ${address}`)}`,
    ...(connection === 'watching'
      ? []
      : wrapped(`${connection}: ${message ?? ''}`, columns, '  ', (text) => paint('red', text))),
    ...(connection === 'watching' || !hint ? [] : wrapped(`hint ${hint}`, columns, '  ', (text) => paint('dim', text))),
  ];
}

function whatOf({ server, connection }: MonitorStatus): string {
  return server ? `PostgreSQL ${server.version}${server.isStandby ? ', standby' : ''}` : connection;
}

type Tone = 'red' | 'yellow' | 'green' | 'dim';

function tone(status: HealthReport['status'] | HealthCheck['status']): Tone {
  if (status === 'critical') return 'red';
  if (status === 'warning') return 'yellow';
  return status === 'unknown' ? 'dim' : 'green';
}

const marks: Record<HealthCheck['status'], string> = { critical: '✗', warning: '!', unknown: '?', ok: '✓' };

function checkLines({ checks }: HealthReport, columns: number): string[] {
  const shown = (['critical', 'warning', 'unknown'] as const).flatMap((status) =>
    checks.filter((check) => check.status === status).toSorted((a, b) => b.pointsLost - a.pointsLost),
  );
  const fine = checks.filter(({ status }) => status === 'ok').length;
  const lines = shown.flatMap((check) => {
    const lost = check.pointsLost > 0 ? ` (−${check.pointsLost.toFixed(0)})` : '';
    const [first = '', ...rest] = wrapped(check.message + lost, columns, '    ');
    const message = [`  ${paint(tone(check.status), marks[check.status])} ${first.trimStart()}`, ...rest];
    if (!check.advice || check.status === 'unknown') return message;
    return [...message, ...wrapped(check.advice, columns, '    ', (text) => paint('dim', text))];
  });
  return [...lines, `  ${paint('green', marks.ok)} ${fine} of ${checks.length} checks are fine`];
}

function figureLines({ latest }: Look): string[] {
  const value = (name: string): number | null => latest.get(name)?.value ?? null;
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
  const cell = ([title, text]: [string, string]): string => `  ${paint('dim', title.padEnd(13))}${text.padEnd(10)}`;
  // Three by three fit 80 columns.
  return [0, 3, 6].map((from) =>
    figures
      .slice(from, from + 3)
      .map((figure) => cell(figure))
      .join('')
      .trimEnd(),
  );
}

function sum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

function ratio(part: number | null, rest: number | null): number | null {
  return part === null || rest === null || part + rest === 0 ? null : part / (part + rest);
}
