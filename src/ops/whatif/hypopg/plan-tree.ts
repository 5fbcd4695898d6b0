import { PitcrewError } from '../../../errors.ts';
import type { IndexName, WhatIfPlan } from '../types.ts';

/**
 * Reads what a plan costs and which indexes it uses, and calls the hypothetical ones by their ids in it.
 * @param ids by the names under which the planner knows them
 * @throws {PitcrewError} `E_UNSUPPORTED` for what has no plan: a rule or a utility statement took the statement's place.
 */
export function readPlan(explained: unknown, ids: ReadonlyMap<string, string>): WhatIfPlan {
  const root = isObject(explained) ? explained['Plan'] : undefined;
  const cost = isObject(root) ? root['Total Cost'] : undefined;
  if (!isObject(root) || typeof cost !== 'number') {
    throw new PitcrewError('E_UNSUPPORTED', 'the statement has no plan', {
      detail: 'A rule or a utility statement takes its place.',
    });
  }
  const uses = new Set<string>();
  const existing = new Map<string, IndexName>();
  const renamed = (node: Node, outer: string): Node => {
    const own = node['Schema'];
    // A bitmap index scan does not say its schema: it is that of the table above it.
    const schema = typeof own === 'string' ? own : outer;
    const name = node['Index Name'];
    const id = typeof name === 'string' ? ids.get(name) : undefined;
    if (id !== undefined) uses.add(id);
    else if (typeof name === 'string') existing.set(JSON.stringify([schema, name]), { schema, name });
    const plans = Array.isArray(node['Plans']) ? (node['Plans'] as readonly unknown[]) : [];
    return {
      ...node,
      ...(id === undefined ? {} : { 'Index Name': id }),
      ...(plans.length === 0 ? {} : { Plans: plans.map((plan) => (isObject(plan) ? renamed(plan, schema) : plan)) }),
    };
  };
  const plan = { ...(explained as Node), Plan: renamed(root, '') };
  return { cost, plan, uses: [...uses], usesExisting: [...existing.values()] };
}

type Node = Record<string, unknown>;

function isObject(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
