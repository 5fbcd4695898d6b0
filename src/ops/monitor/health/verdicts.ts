import type { HealthCheck, HealthReport } from '../types.ts';
import { knownSoon } from './reading.ts';
import { listed, lowerFirst } from '../../words/index.ts';

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
  const groups = Map.groupBy(ordered, ({ id, status, message, advice }) => {
    if (status !== 'unknown') return id;
    return advice === knownSoon ? knownSoon : message;
  });
  return [...groups.values()].map((group) => toVerdict(group));
}

function toVerdict(group: readonly HealthCheck[]): Verdict {
  const [first] = group;
  if (!first) throw new RangeError('a verdict needs a check');
  const { status, message, advice, id } = first;
  return { status, text: textOf(group, status, message), advice, check: id };
}

function textOf(group: readonly HealthCheck[], status: HealthCheck['status'], message: string): string {
  if (status !== 'unknown') return message;
  const titles = group.map(({ title }) => title);
  if (group[0]?.advice !== knownSoon) return `${listed(titles)}: ${message}`;
  if (group.length === 1) return message;
  return `Too little has been read yet to judge ${listed(titles.map((title) => lowerFirst(title)))}`;
}
