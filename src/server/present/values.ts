import type { TimeRange } from '../../ops/store/index.ts';

/** `part / whole`, or `null` when there is nothing to divide by. */
export function ratio(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}

/** ISO times of a range, as answers carry them. */
export function isoRange({ from, to }: TimeRange): { from: string; to: string } {
  return { from: from.toISOString(), to: to.toISOString() };
}

/** ISO 8601 of a time that may be missing. */
export function iso(date: Date | null): string | null {
  return date?.toISOString() ?? null;
}
