/** Rows that come to the first node of a plan that changes a table; 1 where none does. */
export function rowsWritten(plan: unknown): number {
  const changing = findModify(isRecord(plan) ? plan['Plan'] : undefined);
  const [source] = changing && Array.isArray(changing['Plans']) ? (changing['Plans'] as unknown[]) : [];
  return isRecord(source) && typeof source['Plan Rows'] === 'number' ? source['Plan Rows'] : 1;
}

function findModify(node: unknown): Record<string, unknown> | undefined {
  if (!isRecord(node)) return undefined;
  if (node['Node Type'] === 'ModifyTable') return node;
  const children = Array.isArray(node['Plans']) ? (node['Plans'] as unknown[]) : [];
  for (const child of children) {
    const found = findModify(child);
    if (found) return found;
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
