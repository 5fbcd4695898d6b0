import type { AdviceDetail, AdvicePreflight } from '../../server/api/advice.ts';
import { paint } from '../output.ts';
import { gainOf, signed } from './advice-screen.ts';
import { formatBytes, formatCount, formatMs, formatRatio, oneLine, wrapped } from './format.ts';
import { renderTable } from './table.ts';

type Evidence = AdviceDetail['evidence'][number];

/** Everything that is known of one piece of advice. */
export function adviceDetailScreen(advice: AdviceDetail): string {
  const { id, title, explanation, severity, state, evidence, remedy, affected, measurement, history, changes } = advice;
  return [
    `${paint('bold', title)} ${paint('dim', `(${id}, ${severity}, ${state})`)}`,
    ...wrapped(explanation, 100, '  '),
    ...section(
      'Evidence',
      renderTable([{ title: '' }, { title: '', align: 'right' }], evidence.map(evidenceRow)).slice(1),
    ),
    ...section('Gain', [gainOf(advice)]),
    ...section('Statements whose plans it changes', affected.slice(0, 10).map(affectedLine)),
    ...(remedy ? remedyLines(remedy) : []),
    ...section('Measured', measurement ? measurementLines(measurement) : []),
    ...section(
      'History',
      history.map(({ at, to, by, reason }) => `${at}  ${to} by ${by}${reason === null ? '' : `: ${reason}`}`),
    ),
    ...section('What was run', changes.toReversed().map(changeLine)),
  ].join('\n');
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', paint('dim', title), ...lines.map((line) => `  ${line}`)];
}

function remedyLines({ fix, undo, risk, riskDetail }: NonNullable<AdviceDetail['remedy']>): string[] {
  return [
    ...section('Statements', fix),
    ...section('To undo it', undo),
    ...section(`Risk: ${risk}`, wrapped(riskDetail, 100, '')),
  ];
}

function measurementLines({ reason, statements }: NonNullable<AdviceDetail['measurement']>): string[] {
  return [
    reason,
    ...statements.slice(0, 10).map(({ role, text, before, after }) => {
      const change = before && after ? signed(after.meanMs / before.meanMs - 1) : 'not yet known';
      return `${change.padEnd(14)} ${role.padEnd(8)} ${formatMs(before?.meanMs)} → ${formatMs(after?.meanMs)}  ${oneLine(text, 70)}`;
    }),
  ];
}

function affectedLine({ text, costBefore, costAfter, callsPerHour }: AdviceDetail['affected'][number]): string {
  return `cost ${formatCount(costBefore)} → ${formatCount(costAfter)}, ${formatCount(callsPerHour)} calls an hour  ${oneLine(text, 70)}`;
}

function changeLine({
  purpose,
  outcome,
  statement,
  durationMs,
  error,
  resolution,
}: AdviceDetail['changes'][number]): string {
  const more = [error, resolution].filter((text) => text !== null).join('; ');
  const took = durationMs === null ? '' : ` in ${formatMs(durationMs)}`;
  return `${purpose}, ${outcome}${took}: ${statement}${more === '' ? '' : ` (${more})`}`;
}

function evidenceRow({ label, value, unit }: Evidence): string[] {
  return [`${label}`, typeof value === 'number' ? figure(value, unit) : String(value ?? '–')];
}

function figure(value: number, unit: Evidence['unit']): string {
  if (unit === 'bytes') return formatBytes(value);
  if (unit === 'ms') return formatMs(value);
  if (unit === 'seconds') return formatMs(value * 1000);
  if (unit === 'ratio') return formatRatio(value);
  return unit === 'perSecond' ? `${formatCount(value)}/s` : formatCount(value);
}

/** What is about to be run, with its risk and what stands against it. */
export function preflightScreen(
  advice: AdviceDetail,
  purpose: 'apply' | 'undo',
  { statements, refusals, doubts, needsBytes, freeBytes }: AdvicePreflight,
): string {
  const { remedy } = advice;
  return [
    paint('bold', advice.title),
    ...section('To be run', statements),
    ...section('To undo it', purpose === 'apply' ? (remedy?.undo ?? []) : []),
    ...section(`Risk: ${remedy?.risk ?? 'low'}`, wrapped(remedy?.riskDetail ?? '', 100, '')),
    ...section(
      'Room',
      needsBytes === null ? [] : [`about ${formatBytes(needsBytes)} needed, ${formatBytes(freeBytes)} free`],
    ),
    ...section(
      'Not now',
      refusals.flatMap((text) => wrapped(text, 100, '')),
    ),
    ...section(
      'Could not be told',
      doubts.flatMap((text) => wrapped(text, 100, '')),
    ),
  ].join('\n');
}
