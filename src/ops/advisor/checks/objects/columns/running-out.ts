import { duration } from '../../../../words/index.ts';
import type { Evidence, Severity } from '../../../types.ts';

const warnFrom = 0.75;
const criticalFrom = 0.9;
const warnDays = 90;
const criticalDays = 30;
const dayMs = 86_400_000;

/** Days until values run out at the rate of inserts so far; `null` when that is not known for a day at least. */
export function daysLeft(left: number, inserts: number, since: Date | null, now: Date): number | null {
  if (since === null || inserts === 0) return null;
  const days = (now.getTime() - since.getTime()) / dayMs;
  return days < 1 ? null : left / (inserts / days);
}

/** From 75 % or when values last for 90 days; gravely from 90 % or 30 days. */
export function severityOf(used: number, days: number | null): Severity | undefined {
  if (used >= criticalFrom || (days !== null && days <= criticalDays)) return 'critical';
  return used >= warnFrom || (days !== null && days <= warnDays) ? 'warning' : undefined;
}

/** What those thresholds are, for the documentation. */
export const severityText =
  'Warning from 75 % or when what is left lasts for 90 days at the rate of inserts so far, critical from 90 % or 30 days; the rate counts when it is known for a day at least.';

export function daysEvidence(days: number | null): Evidence[] {
  return days === null ? [] : [{ label: 'Lasts, at the rate of inserts', value: duration(days * 86_400) }];
}
