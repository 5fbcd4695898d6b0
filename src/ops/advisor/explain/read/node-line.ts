import type { PlanJson } from '../tree/json.ts';

/** A line that opens a node: its place in the tree, and its fields under the names of EXPLAIN's JSON. */
export interface NodeLine {
  /** Column at which the node's name begins. */
  indent: number;
  arrow: boolean;
  fields: Record<string, unknown>;
}

const arrow = /^(\s*)->\s+/;
const costs = /\(cost=([\d.]+)\.\.([\d.]+) rows=(\d+) width=(\d+)\)/;
const timed = /\(actual time=([\d.]+)\.\.([\d.]+) rows=([\d.]+) loops=(\d+)\)/;
const counted = /\(actual rows=([\d.]+) loops=(\d+)\)/;
const never = /\(never executed\)/;
const figures = /\s+\((?:cost=|actual |never executed).*$/s;

/** Reads a line that opens a node; `undefined` for any other line. */
export function nodeLine(line: string): NodeLine | undefined {
  const lead = arrow.exec(line);
  const hasFigures = figures.test(line);
  if (!lead && !hasFigures && !beginsWithNode(line)) return undefined;
  const start = lead ? lead[0].length : line.length - line.trimStart().length;
  const named = namedNode(line.slice(start).replace(figures, '').trim());
  if (!named) return undefined;
  return { indent: start, arrow: lead !== null, fields: { ...named, ...figuresOf(line) } };
}

/** Figures in parentheses behind a node's name. */
function figuresOf(line: string): PlanJson {
  const found: Record<string, unknown> = {};
  const cost = costs.exec(line);
  if (cost) {
    found['Startup Cost'] = Number(cost[1]);
    found['Total Cost'] = Number(cost[2]);
    found['Plan Rows'] = Number(cost[3]);
    found['Plan Width'] = Number(cost[4]);
  }
  return { ...found, ...actualFigures(line) };
}

/** `actual time=0.01..0.02 rows=1 loops=1`, as it stands behind a node or a worker. */
function actualFigures(line: string): PlanJson {
  const actual = timed.exec(line);
  if (actual) {
    return {
      'Actual Startup Time': Number(actual[1]),
      'Actual Total Time': Number(actual[2]),
      'Actual Rows': Number(actual[3]),
      'Actual Loops': Number(actual[4]),
    };
  }
  const untimed = counted.exec(line);
  if (untimed) return { 'Actual Rows': Number(untimed[1]), 'Actual Loops': Number(untimed[2]) };
  return never.test(line) ? { 'Actual Rows': 0, 'Actual Loops': 0 } : {};
}

const plainNodes = [
  'Append',
  'Merge Append',
  'Recursive Union',
  'BitmapAnd',
  'BitmapOr',
  'Materialize',
  'Memoize',
  'Sort',
  'Incremental Sort',
  'Group',
  'WindowAgg',
  'Unique',
  'Result',
  'ProjectSet',
  'LockRows',
  'Limit',
  'Gather',
  'Gather Merge',
  'Hash',
];
const aggregates: Record<string, string> = {
  Aggregate: 'Plain',
  GroupAggregate: 'Sorted',
  HashAggregate: 'Hashed',
  MixedAggregate: 'Mixed',
};
const join = /^(Nested Loop|Merge|Hash)(?: (Left|Right|Full|Semi|Anti|Right Semi|Right Anti))?(?: Join)?$/;
const scan =
  /^(Seq|Sample|Tid|Tid Range|Function|Table Function|Values|CTE|Named Tuplestore|WorkTable|Subquery|Foreign|Index|Index Only|Bitmap Heap|Bitmap Index) Scan( Backward)?(?: using (.+?))?(?: on (.+))?$/s;
const change = /^(Insert|Update|Delete|Merge)(?: on (.+))?$/s;
const foreignChange = /^Foreign (Insert|Update|Delete)(?: on (.+))?$/s;
const setOperation = /^(HashSetOp|SetOp) (Intersect|Except)( All)?$/;
const custom = /^Custom Scan \((.+?)\)(?: on (.+))?$/s;

function beginsWithNode(line: string): boolean {
  return namedNode(line.trim()) !== undefined;
}

/** What a node's name says, as in EXPLAIN's JSON; `undefined` when it names no node that we know. */
function namedNode(text: string): Record<string, unknown> | undefined {
  const words = /^(?:(Partial|Finalize) )?(Parallel )?(Async )?(.+)$/s.exec(text);
  if (!words) return undefined;
  const [, mode, parallel, isAsync, name = ''] = words;
  const fields = fieldsOf(name);
  if (!fields) return undefined;
  return {
    ...fields,
    ...(mode === undefined ? {} : { 'Partial Mode': mode }),
    'Parallel Aware': parallel !== undefined,
    'Async Capable': isAsync !== undefined,
  };
}

function fieldsOf(name: string): Record<string, unknown> | undefined {
  if (plainNodes.includes(name)) return { 'Node Type': name };
  const strategy = aggregates[name];
  if (strategy !== undefined) return { 'Node Type': 'Aggregate', Strategy: strategy };
  const joined = join.exec(name);
  if (joined && (joined[1] === 'Nested Loop' || name.endsWith(' Join'))) {
    const type = joined[1] === 'Nested Loop' ? 'Nested Loop' : `${joined[1]} Join`;
    return { 'Node Type': type, 'Join Type': joined[2] ?? 'Inner' };
  }
  const set = setOperation.exec(name);
  if (set) {
    return {
      'Node Type': 'SetOp',
      Strategy: set[1] === 'HashSetOp' ? 'Hashed' : 'Sorted',
      Command: `${set[2]}${set[3] ?? ''}`,
    };
  }
  const changed = change.exec(name);
  if (changed) return { 'Node Type': 'ModifyTable', Operation: changed[1], ...target(changed[2]) };
  const foreign = foreignChange.exec(name);
  if (foreign) return { 'Node Type': 'Foreign Scan', Operation: foreign[1], ...target(foreign[2]) };
  const other = custom.exec(name);
  if (other) return { 'Node Type': 'Custom Scan', 'Custom Plan Provider': other[1], ...target(other[2]) };
  return scanFields(name);
}

function scanFields(name: string): Record<string, unknown> | undefined {
  const scanned = scan.exec(name);
  if (!scanned) return undefined;
  const [, kind = '', backward, index, on] = scanned;
  const type = `${kind} Scan`;
  if (type === 'Bitmap Index Scan')
    return { 'Node Type': type, ...(on === undefined ? {} : { 'Index Name': unquoted(on) }) };
  return {
    'Node Type': type,
    ...(kind.startsWith('Index') ? { 'Scan Direction': backward === undefined ? 'Forward' : 'Backward' } : {}),
    ...(index === undefined ? {} : { 'Index Name': unquoted(index) }),
    ...target(on, kind),
  };
}

const identifier = String.raw`(?:"(?:[^"]|"")*"|[^\s."]+)`;
const reference = new RegExp(`^(?:(${identifier})\\.)?(${identifier})(?: (${identifier}))?$`, 's');
const nameFields: Record<string, string> = {
  Function: 'Function Name',
  'Table Function': 'Table Function Name',
  CTE: 'CTE Name',
  WorkTable: 'CTE Name',
  'Named Tuplestore': 'Tuplestore Name',
};

/** `schema.table alias`; subqueries and VALUES have an alias alone. */
function target(on: string | undefined, kind = ''): Record<string, unknown> {
  const found = on === undefined ? null : reference.exec(on);
  if (!found) return {};
  const [, schema, name = '', alias] = found;
  if (kind === 'Subquery' || kind === 'Values') return { Alias: unquoted(name) };
  return {
    [nameFields[kind] ?? 'Relation Name']: unquoted(name),
    ...(schema === undefined ? {} : { Schema: unquoted(schema) }),
    Alias: unquoted(alias ?? name),
  };
}

function unquoted(name: string): string {
  return name.startsWith('"') && name.endsWith('"') && name.length > 1 ? name.slice(1, -1).replaceAll('""', '"') : name;
}
