import type { AdviceList, AdviceSummary } from '../../server/api/advice.ts';
import { progressOf } from '../advice/follow-advice.ts';
import { paint } from '../output.ts';
import { formatBytes, formatMs, formatRatio, oneLine, wrapped } from './format.ts';
import { renderTable } from './table.ts';

const colours = { critical: 'red', warning: 'yellow', info: 'dim' } as const;

/** Advice as a table, with what it would bring or has brought, and what could not be told. */
export function adviceScreen({ database, advice, advisor, untold, counts, count }: AdviceList): string {
  const columns = ['id', 'state', 'severity', 'what to do', 'gain', ''].map((title) => ({
    title: paint('dim', title),
  }));
  const rows = advice.map((each) => [
    String(each.id),
    each.state,
    paint(colours[each.severity], each.severity),
    each.kind || '–',
    gainOf(each),
    oneLine(each.title, 100),
  ]);
  const resolved = counts.resolved ?? 0;
  const last = advisor.lastChecks?.endedAt;
  return [
    paint('bold', database),
    ...(rows.length > 0 ? renderTable(columns, rows) : ['  Nothing is advised.']),
    ...(count > advice.length ? [paint('dim', `  ${advice.length} of ${count} are shown: --limit shows more`)] : []),
    ...advice.flatMap((each) => (each.progress ? [`  ${each.id}: ${progressOf(each)}`] : [])),
    ...(untold.length > 0 ? [paint('dim', `  ${untold.length} checks could not tell:`)] : []),
    ...untold.flatMap(({ title, message }) =>
      wrapped(`${title}: ${message}`, 110, '    ', (line) => paint('dim', line)),
    ),
    ...(advisor.failure === null ? [] : wrapped(`Not found out last time: ${advisor.failure.message}`, 110, '  ')),
    paint(
      'dim',
      [
        last ? `Checked at ${last}` : 'Not checked yet: "pitcrew advise run" does',
        ...(resolved > 0 ? [`${resolved} resolved before`] : []),
        ...(advisor.running ? [`now ${advisor.running.phase}`] : []),
      ].join('; '),
    ),
  ].join('\n');
}

/** What was measured, else what is to be expected. */
export function gainOf({ effect, verdict, gain }: Pick<AdviceSummary, 'effect' | 'verdict' | 'gain'>): string {
  if (effect && verdict !== 'unknown') return `${signed(effect.ratio)} measured`;
  if (verdict === 'unknown') return 'not yet known';
  if (!gain) return '–';
  if (gain.msPerHour !== undefined) return `${formatMs(gain.msPerHour)} an hour`;
  if (gain.workloadShare !== undefined) return `${formatRatio(gain.workloadShare)} of the cost`;
  if (gain.bytes !== undefined) return formatBytes(gain.bytes);
  return gain.text ?? '–';
}

export const signed = (ratio: number): string => `${ratio > 0 ? '+' : '−'}${formatRatio(Math.abs(ratio))}`;
