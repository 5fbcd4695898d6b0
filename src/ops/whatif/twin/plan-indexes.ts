/** An index that a plan uses. */
export interface UsedIndex {
  schema: string;
  name: string;
  /** Its condition in one of the places where it is used, as EXPLAIN writes it; `null` without one. */
  condition: string | null;
}

/** Every index that a plan (EXPLAIN's JSON, VERBOSE) reads, each once. */
export function indexesOfPlan(plan: unknown): UsedIndex[] {
  const found = new Map<string, UsedIndex>();
  visit(plan, '', found);
  return [...found.values()];
}

/** `schema`: of the table whose bitmap is made further down, since only the scan of the table itself tells it. */
function visit(node: unknown, schema: string, found: Map<string, UsedIndex>): void {
  if (Array.isArray(node)) {
    for (const each of node) visit(each, schema, found);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  const fields = new Map<string, unknown>(Object.entries(node));
  const own = fields.get('Schema');
  const here = typeof own === 'string' ? own : schema;
  const name = fields.get('Index Name');
  const condition = fields.get('Index Cond');
  if (typeof name === 'string') {
    found.set(`${here}\0${name}`, { schema: here, name, condition: typeof condition === 'string' ? condition : null });
  }
  for (const below of ['Plan', 'Plans']) visit(fields.get(below), here, found);
}

/** The root's total cost. */
export function costOfPlan(plan: unknown): number {
  const root = new Map<string, unknown>(Object.entries(plan ?? {})).get('Plan');
  const cost = new Map<string, unknown>(Object.entries(root ?? {})).get('Total Cost');
  return typeof cost === 'number' ? cost : Number.NaN;
}
