import { rangeText } from '../format/time.ts';
import type { Query } from './url-state.ts';

/** The time range that is looked at, as the address has it. */
export interface Range {
  /** As the API takes it: a span before now (`1h`) or milliseconds since 1970. */
  from: string;
  to: string | undefined;
  /** Moves with the clock: it ends now. */
  live: boolean;
  label: string;
  /** Length in milliseconds. */
  length: number;
}

export const presets = [
  { from: '15m', label: 'Last 15 minutes' },
  { from: '1h', label: 'Last hour' },
  { from: '6h', label: 'Last 6 hours' },
  { from: '24h', label: 'Last 24 hours' },
  { from: '7d', label: 'Last 7 days' },
  { from: '30d', label: 'Last 30 days' },
] as const;

const defaultFrom = '1h';

const units: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Milliseconds of a span such as `15m`; `undefined` when it is none. */
export function spanOf(text: string): number | undefined {
  const [, amount, unit] = /^-?(\d+(?:\.\d+)?)([smhdw])$/.exec(text) ?? [];
  const length = unit === undefined ? undefined : units[unit];
  return length === undefined || Number(amount) === 0 ? undefined : Number(amount) * length;
}

function momentOf(text: string): number | undefined {
  const ms = /^\d{12,14}$/.test(text) ? Number(text) : Date.parse(text);
  return Number.isFinite(ms) ? ms : undefined;
}

/** Reads `from` and `to` of an address; nonsense becomes the default, so that a broken link still shows something. */
export function readRange(query: Query, now: number = Date.now()): Range {
  const fromText = query['from'] ?? defaultFrom;
  const length = spanOf(fromText);
  if (length !== undefined && query['to'] === undefined) {
    const preset = presets.find((candidate) => candidate.from === fromText);
    return { from: fromText, to: undefined, live: true, label: preset?.label ?? `Last ${fromText}`, length };
  }
  const from = length === undefined ? momentOf(fromText) : now - length;
  const to = query['to'] === undefined || query['to'] === 'now' ? now : momentOf(query['to']);
  if (from === undefined || to === undefined || to <= from) {
    return { from: defaultFrom, to: undefined, live: true, label: 'Last hour', length: 3_600_000 };
  }
  return { from: String(from), to: String(to), live: false, label: rangeText(from, to, now), length: to - from };
}

/** The range before or after, of the same length; one that would end in the future ends now. */
export function shiftRange(
  range: Range,
  direction: -1 | 1,
  now: number = Date.now(),
): { from: string; to: string | null } {
  const end = range.live ? now : Number(range.to);
  const shifted = end + direction * range.length;
  if (shifted >= now) {
    const preset = presets.find((candidate) => spanOf(candidate.from) === range.length);
    return preset ? { from: preset.from, to: null } : { from: String(now - range.length), to: String(now) };
  }
  return { from: String(shifted - range.length), to: String(shifted) };
}
