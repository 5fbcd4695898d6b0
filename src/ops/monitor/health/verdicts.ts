import type { HealthCheck, HealthReport } from '../types.ts';
import { listed } from './words.ts';

/** A plain sentence of the opening page. */
export interface Verdict {
  status: HealthCheck['status'];
  text: string;
  advice: string | null;
  /** Id of the check it comes from. */
  check: string;
}

/**
 * The report in sentences: what is wrong first, the costliest before the others; then what could not be told, one sentence
 * for all that share a reason; then what is fine. What does not apply here (weight 0) is left out, and so is everything
 * but the cause while the database is away.
 */
export function verdicts(report: HealthReport): Verdict[] {
  const applicable = report.checks.filter(({ weight }) => weight > 0);
  const away = applicable.find(({ id, status }) => id === 'reachable' && status !== 'ok');
  if (away) return [toVerdict([away])];
  const rank = { critical: 0, warning: 1, unknown: 2, ok: 3 };
  const ordered = applicable.toSorted(
    (a, b) => rank[a.status] - rank[b.status] || b.pointsLost - a.pointsLost || b.weight - a.weight,
  );
  const groups = Map.groupBy(ordered, ({ id, status, message }) => (status === 'unknown' ? message : id));
  return [...groups.values()].map((group) => toVerdict(group));
}

function toVerdict(group: readonly HealthCheck[]): Verdict {
  const [first] = group;
  if (!first) throw new RangeError('a verdict needs a check');
  const { status, message, advice, id } = first;
  const text = status === 'unknown' ? `${listed(group.map(({ title }) => title))}: ${message}` : message;
  return { status, text, advice, check: id };
}
