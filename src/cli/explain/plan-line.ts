import type { PlanNode } from '../../ops/advisor/index.ts';

/**
 * A plan in one line, from its top: `Limit ← Index Scan using orders_customer_idx on orders`; what has several inputs has them in parentheses.
 * @param names of indexes that do not exist, by what the plan calls them. `null` for what is no plan.
 */
export async function planLine(plan: unknown, names: ReadonlyMap<string, string>): Promise<string | null> {
  const { planOf } = await import('../../ops/advisor/index.ts');
  const root = planOf(plan)?.root;
  if (!root) return null;
  let line = lineOf(root);
  for (const [id, name] of names) line = line.replaceAll(id, () => name);
  return line;
}

function lineOf({ label, children }: PlanNode): string {
  // Partitions that are read alike count once.
  const inputs = [...new Set(children.map(lineOf))];
  if (inputs.length === 0) return label;
  return inputs.length === 1 ? `${label} ← ${inputs[0]}` : `${label} (${inputs.join(', ')})`;
}
