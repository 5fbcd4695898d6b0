import type { z } from '@hono/zod-openapi';
import { changeSentence, misestimate, planOf } from '../../ops/advisor/index.ts';
import type { KeptPlan, PlanChange, PlanMeasure } from '../../ops/store/index.ts';
import type { planChange, planCourse, planNode } from '../api/plans.ts';

const mostNodes = 50;
/** Estimates that are off by less seldom lead to another plan. */
const notableFactor = 10;

/** Plans of a statement and how they changed, without the plans themselves. */
export function presentPlans({
  plans,
  changes,
}: {
  plans: readonly KeptPlan[];
  changes: readonly PlanChange[];
}): z.infer<typeof planCourse> {
  const [latest] = changes;
  const isCurrent = latest !== undefined && latest.toShape === plans[0]?.shape;
  return {
    plans: plans.map((plan, index) => presentPlan(plan, index === 0)),
    planChanges: changes.map((change) => presentChange(change)),
    slowerSince: isCurrent && latest.verdict === 'slower' ? latest.at.toISOString() : null,
  };
}

export function presentPlan({ shape, plan, generic, totalCost, firstSeen, lastSeen }: KeptPlan, current: boolean) {
  return {
    shape,
    current,
    generic,
    totalCost,
    firstSeen: firstSeen.toISOString(),
    lastSeen: lastSeen.toISOString(),
    outline: outlineOf(plan),
  };
}

/** Figures of a plan's nodes; none for what is no plan. */
export function presentNodes(plan: unknown): z.infer<typeof planNode>[] {
  const explained = planOf(plan);
  if (!explained) return [];
  return explained.nodes.map((node) => {
    const { ms, cost, share } = explained.own(node);
    const wrong = misestimate(node, explained);
    return {
      id: node.id,
      ownMs: ms,
      ownCost: cost,
      share,
      rows: node.actual ? node.actual.rows * node.actual.loops : null,
      loops: node.actual?.loops ?? null,
      misestimate: wrong && wrong.factor >= notableFactor ? wrong : null,
    };
  });
}

function outlineOf(plan: unknown): { depth: number; label: string }[] {
  const explained = planOf(plan);
  if (!explained) return [];
  return explained.nodes.slice(0, mostNodes).map((node) => {
    let depth = 0;
    for (let parent = explained.parentOf(node); parent; parent = explained.parentOf(parent)) depth += 1;
    return { depth, label: node.label };
  });
}

export function presentChange(change: PlanChange): z.infer<typeof planChange> {
  const { at, seenBefore, fromShape, toShape, verdict, before, after } = change;
  return {
    at: at.toISOString(),
    seenBefore: seenBefore.toISOString(),
    from: fromShape,
    to: toShape,
    verdict,
    before: presentMeasure(before),
    after: presentMeasure(after),
    sentence: changeSentence(change),
  };
}

function presentMeasure({ calls, meanUs }: PlanMeasure): { calls: number; meanMs: number | null } {
  return { calls, meanMs: calls > 0 ? meanUs / 1000 : null };
}
