/** EXPLAIN's JSON as rows of a tree: what each node does, what it costs by itself, how many rows the planner expects. */

export interface PlanRow {
  depth: number;
  /** "Index Scan", "Hash Join". */
  node: string;
  /** "on orders o, using orders_pkey". */
  target: string;
  /** Conditions, keys, filters: `[name, text]`. */
  details: [string, string][];
  /** Cost of the node without its children, in the planner's units. */
  ownCost: number;
  /** That cost as a share of the whole plan's, 0–1. */
  share: number;
  totalCost: number;
  rows: number | null;
  width: number | null;
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const numberOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;
const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

const detailKeys = [
  'Index Cond',
  'Recheck Cond',
  'Hash Cond',
  'Merge Cond',
  'Join Filter',
  'Filter',
  'Sort Key',
  'Presorted Key',
  'Group Key',
  'Cache Key',
  'One-Time Filter',
  'TID Cond',
] as const;

/** The plan within EXPLAIN's answer: `[{ "Plan": … }]`, `{ "Plan": … }`, or the node itself. */
function rootOf(answer: unknown): Json | undefined {
  const outer: unknown = Array.isArray(answer) ? answer[0] : answer;
  if (!isObject(outer)) return undefined;
  const plan = outer['Plan'] ?? outer;
  return isObject(plan) && textOf(plan['Node Type']) !== undefined ? plan : undefined;
}

/** Rows in the order of the tree, parents before children; none when it is no plan. */
export function planRows(answer: unknown): PlanRow[] {
  const root = rootOf(answer);
  if (!root) return [];
  const whole = numberOf(root['Total Cost']) ?? 0;
  const rows: PlanRow[] = [];
  const visit = (node: Json, depth: number): void => {
    const children = Array.isArray(node['Plans']) ? node['Plans'].filter(isObject) : [];
    const totalCost = numberOf(node['Total Cost']) ?? 0;
    // A LIMIT costs less than the scan below it would in full: no node costs less than nothing by itself.
    const ownCost = Math.max(
      0,
      totalCost - children.reduce((sum, child) => sum + (numberOf(child['Total Cost']) ?? 0), 0),
    );
    rows.push({
      depth,
      node: nameOf(node),
      target: targetOf(node),
      details: detailsOf(node),
      ownCost,
      share: whole > 0 ? Math.min(1, ownCost / whole) : 0,
      totalCost,
      rows: numberOf(node['Plan Rows']),
      width: numberOf(node['Plan Width']),
    });
    for (const child of children) visit(child, depth + 1);
  };
  visit(root, 0);
  return rows;
}

function nameOf(node: Json): string {
  const type = textOf(node['Node Type']) ?? 'Node';
  const join = textOf(node['Join Type']);
  const strategy = textOf(node['Strategy']);
  const words = [
    node['Parallel Aware'] === true ? 'Parallel' : undefined,
    textOf(node['Partial Mode']) === 'Simple' ? undefined : textOf(node['Partial Mode']),
    type === 'Aggregate' && strategy === 'Hashed' ? 'Hash' : undefined,
    type === 'Aggregate' && strategy === 'Sorted' ? 'Group' : undefined,
    type === 'ModifyTable' ? (textOf(node['Operation']) ?? type) : joined(type, join),
  ];
  return words.filter((word) => word !== undefined).join(' ');
}

function joined(type: string, join: string | undefined): string {
  if (join === undefined || join === 'Inner') return type;
  return type === 'Nested Loop' ? `Nested Loop ${join} Join` : type.replace(/ Join$/, ` ${join} Join`);
}

function targetOf(node: Json): string {
  const relation = textOf(node['Relation Name']);
  const alias = textOf(node['Alias']);
  const other = textOf(node['CTE Name']) ?? textOf(node['Function Name']) ?? textOf(node['Subplan Name']);
  const index = textOf(node['Index Name']);
  const parts: string[] = [];
  if (relation !== undefined)
    parts.push(`on ${relation}${alias !== undefined && alias !== relation ? ` ${alias}` : ''}`);
  else if (other !== undefined) parts.push(other);
  if (index !== undefined) parts.push(`using ${index}`);
  return parts.join(' ');
}

function detailsOf(node: Json): [string, string][] {
  return detailKeys.flatMap((key): [string, string][] => {
    const value = node[key];
    const text = Array.isArray(value) ? value.join(', ') : textOf(value);
    return text === undefined ? [] : [[key, text]];
  });
}
