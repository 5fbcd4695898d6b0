import type { AdviceDetail, AdviceSummary } from '../../../src/server/api/advice.ts';
import type { Tone } from '../components/status.tsx';
import {
  bytes,
  change,
  count,
  milliseconds,
  percent,
  type Quantity,
  rate,
  seconds,
  textOf,
} from '../format/quantity.ts';

type State = AdviceSummary['state'];

/** How states are called, and with which tone they are shown. */
export const states: Readonly<Record<State, { word: string; tone: Tone }>> = {
  found: { word: 'Found', tone: 'info' },
  planned: { word: 'Planned', tone: 'info' },
  applying: { word: 'Being applied', tone: 'info' },
  applied: { word: 'Applied', tone: 'ok' },
  measuring: { word: 'Being measured', tone: 'info' },
  kept: { word: 'Kept', tone: 'ok' },
  undoing: { word: 'Being undone', tone: 'info' },
  undone: { word: 'Undone', tone: 'unknown' },
  failed: { word: 'Failed', tone: 'critical' },
  dismissed: { word: 'Dismissed', tone: 'unknown' },
  resolved: { word: 'Resolved', tone: 'ok' },
};

export const severityTone: Readonly<Record<AdviceSummary['severity'], Tone>> = {
  critical: 'critical',
  warning: 'warning',
  info: 'info',
};

const kinds: Readonly<Record<string, string>> = {
  'create-index': 'Make an index',
  'drop-index': 'Drop an index',
  reindex: 'Rebuild an index',
  analyze: 'Analyze',
  vacuum: 'Vacuum',
  statistics: 'Gather statistics',
  setting: 'Change a setting',
  schema: 'Change the schema',
  session: 'See to a session',
  manual: 'By hand',
};

export const kindWord = (kind: string): string => kinds[kind] ?? 'Look at it';

/** What was measured, else what is to be expected, and which of the two it is. */
export function gainOf({ effect, verdict, gain }: Pick<AdviceSummary, 'effect' | 'verdict' | 'gain'>): {
  of: Quantity;
  note: string;
} {
  if (effect && verdict !== 'unknown') return { of: change(effect.ratio), note: 'Execution time, as measured' };
  if (!gain) return { of: { value: '–', unit: '' }, note: 'Nothing is said of it' };
  if (gain.msPerHour !== undefined)
    return { of: milliseconds(gain.msPerHour), note: 'Of execution time an hour, as planned' };
  if (gain.workloadShare !== undefined)
    return { of: percent(gain.workloadShare), note: 'Of the planned cost of the workload' };
  if (gain.bytes !== undefined) return { of: bytes(gain.bytes), note: 'Of disk' };
  return { of: { value: '–', unit: '' }, note: gain.text ?? '' };
}

type Evidence = AdviceDetail['evidence'][number];

export function evidenceText({ value, unit }: Evidence): string {
  if (value === null) return '–';
  if (typeof value === 'boolean') return value ? 'Yes' : 'No';
  if (typeof value === 'string') return value;
  switch (unit) {
    case 'bytes':
      return textOf(bytes(value));
    case 'ms':
      return textOf(milliseconds(value));
    case 'seconds':
      return textOf(seconds(value));
    case 'ratio':
      return textOf(percent(value));
    case 'perSecond':
      return textOf(rate(value));
    default:
      return textOf(count(value));
  }
}
