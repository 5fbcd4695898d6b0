import type { HealthCheck, HealthReport } from '../types.ts';
import { type CheckDefinition, type Judgement, notApplicable, unknown } from './check.ts';
import { checks } from './checks/index.ts';
import type { HealthInput } from './input.ts';
import { staleness } from './reading.ts';

/** Below this share of known weights no score is given. */
const leastKnown = 0.5;

const grades = [
  { grade: 'A', from: 90 },
  { grade: 'B', from: 80 },
  { grade: 'C', from: 70 },
  { grade: 'D', from: 60 },
  { grade: 'F', from: 0 },
] as const;

/**
 * Judges a database by all checks. Pure: the same input gives the same report.
 *
 * Score = 100 × (1 − points lost ÷ weights known), in whole points rounded down, and no more than the cap of each check
 * that is critical. What is unknown is in neither sum; with less than half of the weights known there is no score. A
 * database that cannot be reached has 0. The documentation is `docs/health.md`.
 */
export function healthReport(input: HealthInput): HealthReport {
  const judged = checks.map((definition) => ({ definition, check: toCheck(definition, judge(definition, input)) }));
  const results = judged.map(({ check }) => check);
  const caps = judged.flatMap(({ definition, check }) =>
    check.status === 'critical' && definition.cap !== null ? [definition.cap] : [],
  );
  const known = knownShare(results);
  const score = scoreOf(results, caps, known);
  return {
    at: input.now,
    status: statusOf(results, score),
    score,
    grade: score === null ? null : gradeOf(score),
    known,
    checks: results,
  };
}

/** Grade of a score: A from 90, B from 80, C from 70, D from 60, else F. */
export function gradeOf(score: number): NonNullable<HealthReport['grade']> {
  return grades.find(({ from }) => score >= from)?.grade ?? 'F';
}

function judge(definition: CheckDefinition, input: HealthInput): Judgement {
  if (definition.id === 'reachable') return definition.judge(input);
  if (input.status.connection !== 'watching') return unknown('Not known while the database is not being watched');
  if (definition.primaryOnly && input.status.server?.isStandby) return notApplicable('Judged on the primary');
  const stale = definition.collector === null ? null : staleness(input, definition.collector);
  return stale ?? definition.judge(input);
}

function toCheck({ id, title, weight }: CheckDefinition, judgement: Judgement): HealthCheck {
  const { status, message, evidence, advice, loss, applies } = judgement;
  const counted = applies ? weight : 0;
  return {
    id,
    title,
    status,
    message,
    weight: counted,
    pointsLost: Math.round(counted * loss * 100) / 100,
    evidence,
    advice,
  };
}

function sumOf(results: readonly HealthCheck[], value: (check: HealthCheck) => number): number {
  return results.reduce((sum, check) => sum + value(check), 0);
}

function knownShare(results: readonly HealthCheck[]): number {
  const known = sumOf(results, ({ status, weight }) => (status === 'unknown' ? 0 : weight));
  return known / sumOf(results, ({ weight }) => weight);
}

function scoreOf(results: readonly HealthCheck[], caps: readonly number[], known: number): number | null {
  const cap = Math.min(100, ...caps);
  // Not reachable: that alone decides.
  if (cap === 0) return 0;
  if (known < leastKnown) return null;
  const judged = results.filter(({ status }) => status !== 'unknown');
  const lost = sumOf(judged, ({ pointsLost }) => pointsLost) / sumOf(judged, ({ weight }) => weight);
  return Math.min(cap, Math.floor(100 * (1 - lost)));
}

function statusOf(results: readonly HealthCheck[], score: number | null): HealthReport['status'] {
  if (results.some(({ status }) => status === 'critical')) return 'critical';
  if (score === null) return 'unknown';
  return results.some(({ status }) => status === 'warning') ? 'warning' : 'healthy';
}
