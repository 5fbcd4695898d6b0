import type { AdvisedIndex, DropAdvice, IndexAdvice } from '../../ops/advisor/index.ts';
import { paint } from '../output.ts';
import { formatBytes, formatCount, formatMs, formatRatio, oneLine, wrapped } from './format.ts';

const narrowest = 80;
const shownStatements = 3;
const shownLeftOut = 5;

/** What `pitcrew index analyze` says of one database: indexes to make, indexes to drop, what it rests on. */
export function indexAdviceScreen(
  name: string,
  source: string,
  advice: IndexAdvice,
  width: number = process.stdout.columns ?? narrowest,
): string {
  const columns = Math.max(narrowest, width);
  const sections = [
    heading(name, source, advice, columns),
    ...advice.indexes.map((index, at) => indexLines(index, at + 1, columns)),
    dropLines(advice.drops, columns),
    leftOutLines(advice, columns),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function heading(name: string, source: string, advice: IndexAdvice, columns: number): string[] {
  const { indexes, statements, cost, msPerHour, sizeBytes, budgetBytes, candidates, plans, seconds } = advice;
  const spared = cost.before > 0 ? 1 - cost.after / cost.before : 0;
  const budget = budgetBytes === null ? '' : ` of ${formatBytes(budgetBytes)}`;
  const time =
    msPerHour === null ? '' : `, ${formatMs(msPerHour.before)} of execution per hour to ${formatMs(msPerHour.after)}`;
  const lines = [
    `${paint('bold', name)}  ${statements.planned} statements from ${source}`,
    `  ${candidates} candidates, ${plans} plans, ${seconds.toFixed(1)} s`,
  ];
  if (indexes.length === 0) return [...lines, `  ${paint('green', '✓')} no new index would pay`];
  const sentence = `${indexes.length} new ${indexes.length === 1 ? 'index' : 'indexes'} (${formatBytes(sizeBytes)}${budget}) would take ${formatRatio(spared)} off the workload’s planned cost${time}; ${statements.improved === 1 ? 'one statement gains' : `${statements.improved} statements gain`}.`;
  const proof =
    cost.gap <= 0.0005
      ? 'No other set of the candidates does better.'
      : `Another set might do better by ${formatRatio(cost.gap)} at most.`;
  return [...lines, ...wrapped(`${sentence} ${proof}`, columns, '  ')];
}

function indexLines(advised: AdvisedIndex, number: number, columns: number): string[] {
  const { finding, sizeBytes, workloadShare, msPerHour, writeCostPerHour, gainPerHour, statements } = advised;
  const figures = [
    `gain ${formatRatio(workloadShare)}`,
    ...(msPerHour === null ? [] : [`${formatMs(msPerHour)} per hour`]),
    `size ${formatBytes(sizeBytes)}`,
    `writes cost ${formatRatio(gainPerHour > 0 ? writeCostPerHour / gainPerHour : 0)} of it`,
  ];
  const shown = statements.slice(0, shownStatements).map(({ text, costBefore, costAfter }) => {
    const change = `${formatCount(Math.round(costBefore))} → ${formatCount(Math.round(costAfter))}`;
    return `     ${change.padStart(16)}  ${oneLine(text, columns - 23)}`;
  });
  const more = statements.length - shown.length;
  return [
    `${paint('bold', `${number}.`)} ${figures.join(', ')}`,
    ...(finding.remedy?.fix ?? []).flatMap((statement) =>
      wrapped(`${statement};`, columns, '   ', (line) => paint('cyan', line)),
    ),
    ...shown,
    ...(more > 0 ? [`     ${paint('dim', `and ${more} more`)}`] : []),
  ];
}

function dropLines(drops: readonly DropAdvice[], columns: number): string[] {
  if (drops.length === 0) return [];
  const confirmed = drops.filter((drop) => drop.confirmed);
  const kept = drops.filter((drop) => !drop.confirmed);
  return [
    paint('bold', 'Indexes to drop'),
    ...(confirmed.length === 0 ? ['  none: the workload needs those that looked superfluous'] : []),
    ...confirmed.flatMap(({ finding, savedPerHour }) => [
      ...wrapped(
        `${finding.title}. No statement of the workload would cost more without it${savedPerHour > 0 ? `; its upkeep costs ${formatCount(savedPerHour)} per hour` : ''}.`,
        columns,
        '  ',
      ),
      ...(finding.remedy?.fix ?? []).map((statement) => `   ${paint('cyan', `${statement};`)}`),
    ]),
    ...kept.flatMap((drop) =>
      wrapped(`${drop.index.schema}.${drop.index.name} stays: ${whyKept(drop)}.`, columns, '  ', (line) =>
        paint('dim', line),
      ),
    ),
  ];
}

function whyKept({ neededFor, untold, statements }: DropAdvice): string {
  if (neededFor !== undefined) return `${neededFor} needs it`;
  if (untold !== undefined) return untold;
  return statements.length === 1
    ? 'one statement of the workload would cost more without it'
    : `${statements.length} statements of the workload would cost more without it`;
}

function leftOutLines({ gaps, leftOut }: IndexAdvice, columns: number): string[] {
  const lines = [
    ...gaps.map(({ subject, reason, fix }) => `${subject}: ${reason}${fix === null ? '' : ` (${fix})`}`),
    ...leftOut.map(({ text, reason }) => `${oneLine(text, 60)}: ${reason}`),
  ];
  if (lines.length === 0) return [];
  const more = lines.length - shownLeftOut;
  return [
    paint('bold', 'Not considered'),
    ...lines.slice(0, shownLeftOut).flatMap((line) => wrapped(line, columns, '  ', (text) => paint('dim', text))),
    ...(more > 0 ? [`  ${paint('dim', `and ${more} more (--json names all)`)}`] : []),
  ];
}
