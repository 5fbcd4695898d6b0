import { type CountersSinceRow, readCountersSince } from '../../../../engine/postgres/index.ts';
import type { CheckContext } from '../../types.ts';
import { once } from '../readings.ts';

/** The time of which the counters of a database tell. */
export interface KnownTime extends CountersSinceRow {
  hours: number;
}

/** Since when counters count; `undefined` where the server does not say. */
export async function knownTime(context: CheckContext): Promise<KnownTime | undefined> {
  const [row] = (await once(context, readCountersSince)).rows;
  return row && { ...row, hours: hoursBetween(row.since, row.now) };
}

export function hoursBetween(from: Date, to: Date): number {
  return Math.max(0, to.getTime() - from.getTime()) / 3_600_000;
}

/** "12 May 2026, 14:02 UTC", for evidence. */
export function moment(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
