import { bytes } from '../../../words/index.ts';
import type { Finding, Severity } from '../../types.ts';

const rank: Readonly<Record<Severity, number>> = { info: 0, warning: 1, critical: 2 };

/** What was declined comes up again when the gain has at least doubled, and by no less than this. */
const least = { bytes: 10 * 1024 ** 2, msPerHour: 1000 };

/** Why advice that was declined is worth another look; `undefined` while it is much the same. */
export function changedMuch(declined: Finding | null, now: Finding): string | undefined {
  if (declined === null) return undefined;
  if (rank[now.severity] > rank[declined.severity]) return `it has become ${now.severity}`;
  const before = declined.gain;
  const after = now.gain;
  if (hasDoubled(before?.bytes, after?.bytes, least.bytes)) {
    return `it would free ${bytes(after?.bytes ?? 0)} now, ${bytes(before?.bytes ?? 0)} when it was declined`;
  }
  if (hasDoubled(before?.msPerHour, after?.msPerHour, least.msPerHour)) {
    const seconds = (ms: number | undefined): string => ((ms ?? 0) / 1000).toFixed(1);
    return `it would save ${seconds(after?.msPerHour)} s an hour now, ${seconds(before?.msPerHour)} s when it was declined`;
  }
  return undefined;
}

function hasDoubled(before: number | undefined, after: number | undefined, by: number): boolean {
  return after !== undefined && after >= 2 * (before ?? 0) && after - (before ?? 0) >= by;
}
