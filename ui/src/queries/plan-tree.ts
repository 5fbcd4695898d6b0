/** EXPLAIN's JSON as rows of a tree: what each node does, what it takes by itself, how many rows were expected and came. */
import type { AnalyzeAnswer } from '../../../src/server/api/queries.ts';

export type NodeFigures = AnalyzeAnswer['nodes'][number];

export interface PlanRow {
  /** The number of the node, by which findings name it. */
  id: number;
  depth: number;
  /** "Index Scan", "Hash Join". */
  node: string;
  /** "on orders o, using orders_pkey". */
  target: string;
  /** Conditions, keys, filters: `[name, text]`. */
  details: [string, string][];
  /** Rows expected of one loop. */
  expected: number | null;
  totalCost: number | null;
  width: number | null;
  figures: NodeFigures | undefined;
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

/** Figures of a plan that was run: their names, and the unit that belongs behind them. */
const measuredKeys: readonly (readonly [string, string])[] = [
  ['Rows Removed by Filter', ''],
  ['Rows Removed by Join Filter', ''],
  ['Rows Removed by Index Recheck', ''],
  ['Heap Fetches', ''],
  ['Sort Method', ''],
  ['Sort Space Used', ' kB'],
  ['Hash Batches', ''],
  ['Disk Usage', ' kB'],
  ['Lossy Heap Blocks', ''],
  ['Workers Launched', ''],
];

/** The plan within EXPLAIN's answer: `[{ "Plan": … }]`, `{ "Plan": … }`, or the node itself. */
function rootOf(answer: unknown): Json | undefined {
  const outer: unknown = Array.isArray(answer) ? answer[0] : answer;
  if (!isObject(outer)) return undefined;
  const plan = outer['Plan'] ?? outer;
  return isObject(plan) && textOf(plan['Node Type']) !== undefined ? plan : undefined;
}

/** Rows in the order of the tree, parents before children; none when it is no plan. */
export function planRows(answer: unknown, nodes: readonly NodeFigures[] = []): PlanRow[] {
  const root = rootOf(answer);
  if (!root) return [];
  const rows: PlanRow[] = [];
  const visit = (node: Json, depth: number): void => {
    const id = rows.length;
    rows.push({
      id,
      depth,
      node: nameOf(node),
      target: targetOf(node),
      details: detailsOf(node),
      expected: numberOf(node['Plan Rows']),
      totalCost: numberOf(node['Total Cost']),
      width: numberOf(node['Plan Width']),
      figures: nodes[id],
    });
    for (const child of Array.isArray(node['Plans']) ? node['Plans'].filter(isObject) : []) visit(child, depth + 1);
  };
  visit(root, 0);
  return rows;
}

/** Whether a pasted text is a plan rather than a statement. */
export function isPlanText(text: string): boolean {
  if (/\(cost=[\d.]+\.\.|\(actual (?:time|rows)=|"Node Type"\s*:|<Node-Type>|Node Type: "/.test(text)) return true;
  return /^[\s|>]*->\s+\w/m.test(text) && !/^\s*(?:select|insert|update|delete|merge|with|values|table)\b/i.test(text);
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
  const conditions = detailKeys.flatMap((key): [string, string][] => {
    const value = node[key];
    const text = Array.isArray(value) ? value.join(', ') : textOf(value);
    return text === undefined ? [] : [[key, text]];
  });
  const measured = measuredKeys.flatMap(([key, unit]): [string, string][] => {
    const value = node[key];
    if (typeof value === 'string') return [[key, value]];
    return typeof value === 'number' && value > 0 ? [[key, `${value.toLocaleString('en-US')}${unit}`]] : [];
  });
  return [...conditions, ...measured];
}
