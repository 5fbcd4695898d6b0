import type { Explained } from './explain-statement.ts';
import type { StatementIndexes } from './statement-indexes.ts';

/** What `explain --json` prints. `indexes` is `null` where nobody asked for them. */
export async function explainDocument(
  explained: Explained,
  indexes: StatementIndexes | null,
): Promise<Record<string, unknown>> {
  const { planOf } = await import('../../ops/advisor/index.ts');
  const plan = planOf(explained.plan);
  return {
    query: explained.query,
    generic: explained.generic,
    executed: plan?.executed ?? false,
    totalCost: plan?.root.totalCost ?? null,
    planningMs: plan?.planningMs ?? null,
    executionMs: plan?.executionMs ?? null,
    findings: explained.findings,
    rewrites: explained.rewrites,
    notRewritten: explained.notRewritten,
    indexes,
    nodes: plan?.nodes.map((node) => {
      const { ms, cost, share, buffers } = plan.own(node);
      const { id, label, rows, actual } = node;
      const parent = plan.parentOf(node)?.id ?? null;
      return {
        id,
        parent,
        label,
        rows: rows ?? null,
        actual: actual ?? null,
        own: { ms, cost, share, buffers: buffers ?? null },
      };
    }),
    plan: explained.plan,
  };
}
