/** A node of EXPLAIN's JSON: what we look at of it. */
export interface PlanNode {
  type: string;
  /** "Seq Scan on orders o" */
  label: string;
  schema: string | undefined;
  relation: string | undefined;
  functionName: string | undefined;
  joinType: string | undefined;
  /** `Outer`, `Inner`, `SubPlan`, `InitPlan`, … */
  relationship: string | undefined;
  subplanName: string | undefined;
  strategy: string | undefined;
  filter: string | undefined;
  joinFilter: string | undefined;
  startupCost: number;
  totalCost: number;
  rows: number;
  /** Bytes of a row. */
  width: number;
  children: PlanNode[];
}

/** The root of a plan as EXPLAIN (FORMAT JSON) gives it, `undefined` when it is something else. */
export function readPlan(plan: unknown): PlanNode | undefined {
  const document: unknown = Array.isArray(plan) ? plan[0] : plan;
  return isRecord(document) && isRecord(document['Plan']) ? toNode(document['Plan']) : undefined;
}

function toNode(json: Record<string, unknown>): PlanNode {
  const children = Array.isArray(json['Plans']) ? json['Plans'].filter((child) => isRecord(child)) : [];
  const type = text(json['Node Type']) ?? 'node';
  const relation = text(json['Relation Name']);
  const functionName = text(json['Function Name']);
  const on = relation ?? functionName ?? text(json['CTE Name']);
  const alias = text(json['Alias']);
  return {
    type,
    label: `${type}${on ? ` on ${on}` : ''}${alias && alias !== on ? ` ${alias}` : ''}`,
    schema: text(json['Schema']),
    relation,
    functionName,
    joinType: text(json['Join Type']),
    relationship: text(json['Parent Relationship']),
    subplanName: text(json['Subplan Name']),
    strategy: text(json['Strategy']),
    filter: text(json['Filter']),
    joinFilter: text(json['Join Filter']),
    startupCost: figure(json['Startup Cost']),
    totalCost: figure(json['Total Cost']),
    rows: figure(json['Plan Rows']),
    width: figure(json['Plan Width']),
    children: children.map((child) => toNode(child)),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function figure(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
