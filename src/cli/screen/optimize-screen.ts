import type { KeyMetrics, LeftOut, TaskResult } from '../../ops/maintenance/index.ts';
import type { Optimized } from '../optimize/optimize-database.ts';
import { paint } from '../output.ts';
import { formatBytes, formatCount, formatMs, formatRatio, oneLine, wrapped } from './format.ts';

/** What `pitcrew optimize` shows of one database. */
export function optimizeScreen(found: Optimized, width: number): string {
  const { database, address, metrics, slow, plan, stale } = found;
  const sections = [
    [`${paint('bold', database)}  ${paint('dim', address)}`],
    ...(metrics ? [metricLines(metrics)] : []),
    ...(slow ? [slowLines(slow, width)] : []),
    ...(plan ? [[...taskLines(found, width), ...leftOutLines(plan.leftOut, width)]] : []),
    ...(stale ? [[...sessionLines(found), ...leftOutLines(stale.leftOut, width)]] : []),
    ...(found.agreed ? [] : [['Nothing was changed.']]),
  ];
  return sections.map((lines) => lines.join('\n')).join('\n\n');
}

function metricLines(metrics: KeyMetrics): string[] {
  const row = (label: string, value: string): string => `  ${label.padEnd(28)}${value}`;
  const since = metrics.countedSince?.toISOString().slice(0, 16).replace('T', ' ');
  return [
    paint('bold', 'Metrics') + (since === undefined ? '' : paint('dim', `  counted since ${since} UTC`)),
    row('Size', formatBytes(metrics.sizeBytes)),
    row('Connections', `${metrics.connections} of ${metrics.maxConnections}, ${metrics.active} active`),
    row('Idle in transaction', String(metrics.idleInTransaction)),
    row('Waiting for locks', String(metrics.waitingForLocks)),
    row('Longest transaction', formatMs(metrics.longestTransactionSeconds * 1000)),
    row('Found in shared_buffers', formatRatio(metrics.cacheHitRatio)),
    row('Transactions', `${formatCount(metrics.commits)}, ${formatRatio(metrics.rollbackRatio)} rolled back`),
    row('Deadlocks', formatCount(metrics.deadlocks)),
    row('Temporary files', formatBytes(metrics.tempBytes)),
    row('Dead rows', `${formatCount(metrics.deadRows)} (${formatRatio(metrics.deadRatio)})`),
    row('Transaction ids used', formatRatio(metrics.freezeRatio)),
    row('Checkpoints that came early', formatRatio(metrics.requestedCheckpoints)),
    ...leftOutLines(metrics.skipped, 100),
  ];
}

function slowLines({ statements, reason, fix }: NonNullable<Optimized['slow']>, width: number): string[] {
  const title = paint('bold', 'Slow statements');
  if (reason !== null)
    return [
      title,
      `  ${paint('yellow', '!')} ${reason}`,
      ...(fix === null ? [] : [`    ${paint('dim', 'fix')} ${fix}`]),
    ];
  if (statements.length === 0) return [title, '  No statement was counted.'];
  return [
    title,
    ...statements.flatMap(({ text, calls, totalMs, meanMs, explained, reason: why }) => [
      `  ${formatMs(totalMs)} in ${formatCount(calls)} calls, ${formatMs(meanMs)} each`,
      `    ${paint('dim', oneLine(text, width - 4))}`,
      ...(explained === null ? [`    ${paint('yellow', '!')} not planned: ${oneLine(why ?? '', width)}`] : []),
      ...(explained?.findings ?? []).flatMap(({ message, advice }) => [
        ...wrapped(message, width, '    '),
        ...(advice === null ? [] : wrapped(`→ ${advice}`, width, '    ')),
      ]),
      ...(explained?.rewrites ?? []).flatMap(({ message }) => wrapped(message, width, '    ')),
    ]),
  ];
}

/** As many as a person reads; `--json` has all. */
const mostTasks = 50;

function taskLines({ plan, results, dryRun, agreed }: Optimized, width: number): string[] {
  const all = plan?.tasks ?? [];
  const tasks = all.slice(0, mostTasks);
  const more = all.length - tasks.length;
  if (tasks.length === 0) return [`${paint('green', '✓')} No table or index needs maintenance.`];
  const done = results.length > 0;
  const resultOf = new Map(results.map((result) => [result.task, result]));
  return [
    paint('bold', 'Maintenance') + (dryRun && agreed ? paint('dim', '  nothing is run') : ''),
    ...tasks.flatMap((task) => {
      const result = resultOf.get(task);
      return [
        `  ${mark(result)} ${task.statement}`,
        ...wrapped(task.reason, width, '    ', (line) => paint('dim', line)),
        ...(done && result ? [`    ${outcomeText(result)}`] : []),
      ];
    }),
    ...(more === 0 ? [] : [`  and ${more} more: ${moreText(results.slice(mostTasks))}`]),
  ];
}

/** How those ended that are not shown. */
function moreText(results: readonly TaskResult[]): string {
  const counts = Object.entries(Object.groupBy(results, ({ outcome }) => outcome));
  return counts.map(([outcome, each]) => `${each.length} ${outcome}`).join(', ') || 'shown by --json';
}

function mark(result: TaskResult | undefined): string {
  if (result === undefined) return '•';
  if (result.outcome === 'done') return paint('green', '✓');
  return result.outcome === 'failed' ? paint('red', '✗') : paint('yellow', '!');
}

function outcomeText({ outcome, reason, effect, ms }: TaskResult): string {
  if (outcome === 'done') return `done in ${formatMs(ms)}${effect === null ? '' : `: ${effect}`}`;
  return `${outcome === 'not-run' ? 'not run' : outcome}: ${reason ?? ''}`;
}

function sessionLines({ stale, ended }: Optimized): string[] {
  const sessions = stale?.sessions ?? [];
  if (sessions.length === 0) return [`${paint('green', '✓')} No session is stale.`];
  const resultOf = new Map(ended.map((result) => [result.session, result]));
  return [
    paint('bold', 'Stale sessions'),
    ...sessions.map((session) => {
      const { pid, user, application, state, seconds } = session;
      const result = resultOf.get(session);
      const who = [user, application].filter(Boolean).join(', ');
      const outcome = result === undefined ? '' : `: ${result.outcome === 'ended' ? 'ended' : (result.reason ?? '')}`;
      return `  ${result?.outcome === 'failed' ? paint('red', '✗') : '•'} ${pid} (${who}) ${state} for ${formatMs(seconds * 1000)}${outcome}`;
    }),
  ];
}

function leftOutLines(leftOut: readonly LeftOut[], width: number): string[] {
  return leftOut.flatMap(({ subject, reason, fix }) => [
    ...wrapped(`${paint('yellow', '!')} ${subject}: ${reason}`, width, '  '),
    ...(fix === null ? [] : wrapped(`${paint('dim', 'fix')} ${fix}`, width, '    ')),
  ]);
}
