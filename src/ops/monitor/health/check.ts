import type { CollectorName, HealthCheck } from '../types.ts';
import type { HealthInput } from './input.ts';

/** A check of the list: what it is called, what it can cost, and how it judges. */
export interface CheckDefinition {
  /** Stable, kebab-case. */
  id: string;
  title: string;
  /** Points that it can cost. */
  weight: number;
  /** The score is at most this while the check is critical; `null` when it never is. */
  cap: number | null;
  /** For the documentation: what is a warning and what is critical. */
  thresholds: string;
  /** For the documentation: where the figures come from. */
  source: string;
  /** The collector that reads what it needs. While that is not up to date the answer is `unknown`. */
  collector: CollectorName | null;
  /** True for what a standby only replays: there it is judged on the primary. */
  primaryOnly?: boolean;
  judge(input: HealthInput): Judgement;
}

export type Evidence = HealthCheck['evidence'];

export interface Judgement {
  status: HealthCheck['status'];
  message: string;
  evidence: Evidence;
  advice: string | null;
  /** Share of the weight that is lost, 0–1. */
  loss: number;
  /** False when there is nothing to judge here (no replicas, no archive): it counts neither for nor against. */
  applies: boolean;
}

export function ok(message: string, evidence: Evidence = {}): Judgement {
  return { status: 'ok', message, evidence, advice: null, loss: 0, applies: true };
}

export function notApplicable(message: string, evidence: Evidence = {}): Judgement {
  return { ...ok(message, evidence), applies: false };
}

/** `advice` is what would make it known. */
export function unknown(message: string, advice: string | null = null, evidence: Evidence = {}): Judgement {
  return { status: 'unknown', message, evidence, advice, loss: 0, applies: true };
}

export interface Problem {
  message: string;
  evidence?: Evidence;
  advice: string;
}

/** A warning that costs this share of the weight. */
export function warning(loss: number, problem: Problem): Judgement {
  return { status: 'warning', evidence: {}, ...problem, loss: clamp(loss), applies: true };
}

/** A critical finding costs the whole weight. */
export function critical(problem: Problem): Judgement {
  return { status: 'critical', evidence: {}, ...problem, loss: 1, applies: true };
}

export interface Thresholds {
  warning: number;
  critical: number;
}

/** Share of the weight that a warning costs at its very beginning. */
const firstLoss = 0.25;

/**
 * Where a value stands between its thresholds: at the warning threshold a quarter of the weight is lost, at the critical
 * one all of it, in between proportionally. Rising thresholds are reached *from* their value on, falling ones *below* it.
 * `null`: neither is reached.
 */
export function severity(value: number, thresholds: Thresholds): { critical: boolean; loss: number } | null {
  const falling = thresholds.critical < thresholds.warning;
  const reached = (threshold: number): boolean => (falling ? value < threshold : value >= threshold);
  if (!reached(thresholds.warning)) return null;
  const way = (value - thresholds.warning) / (thresholds.critical - thresholds.warning);
  return { critical: reached(thresholds.critical), loss: clamp(firstLoss + (1 - firstLoss) * way) };
}

/** Judges a value by its thresholds: ok with `fine`, or a problem. `neverCritical`: full loss, still a warning. */
export function graded(
  value: number,
  thresholds: Thresholds,
  answer: { fine: string; evidence: Evidence; problem: Omit<Problem, 'evidence'>; neverCritical?: boolean },
): Judgement {
  const found = severity(value, thresholds);
  if (!found) return ok(answer.fine, answer.evidence);
  const problem = { ...answer.problem, evidence: answer.evidence };
  return found.critical && !answer.neverCritical ? critical(problem) : warning(found.loss, problem);
}

function clamp(loss: number): number {
  return Math.min(1, Math.max(0, loss));
}
