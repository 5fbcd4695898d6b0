import { figureIn, isRecord, type PlanJson, recordsIn, textIn, textsIn } from './json.ts';
import { labelOf } from './label.ts';
import type { Actual, Buffers, PlanNode } from './types.ts';

/** Deeper plans are not looked at: PostgreSQL's own stack would not hold them. */
const deepest = 2000;

/** The node of EXPLAIN's JSON and all below it; `next` gives their numbers. */
export function toNode(json: PlanJson, next: () => number, depth = 0): PlanNode {
  const id = next();
  const children = depth < deepest ? recordsIn(json, 'Plans').map((child) => toNode(child, next, depth + 1)) : [];
  return {
    id,
    type: textIn(json, 'Node Type') ?? 'node',
    label: labelOf(json),
    schema: textIn(json, 'Schema'),
    relation: textIn(json, 'Relation Name'),
    alias: textIn(json, 'Alias'),
    index: textIn(json, 'Index Name'),
    backward: json['Scan Direction'] === 'Backward',
    functionName: textIn(json, 'Function Name'),
    cteName: textIn(json, 'CTE Name'),
    joinType: textIn(json, 'Join Type'),
    relationship: textIn(json, 'Parent Relationship'),
    subplanName: textIn(json, 'Subplan Name'),
    strategy: textIn(json, 'Strategy'),
    partialMode: textIn(json, 'Partial Mode')?.replace(/^Simple$/, '') || undefined,
    operation: textIn(json, 'Operation'),
    parallel: json['Parallel Aware'] === true,
    disabled: json['Disabled'] === true,
    filter: textIn(json, 'Filter'),
    joinFilter: textIn(json, 'Join Filter'),
    indexCond: textIn(json, 'Index Cond'),
    recheckCond: textIn(json, 'Recheck Cond'),
    hashCond: textIn(json, 'Hash Cond'),
    mergeCond: textIn(json, 'Merge Cond'),
    oneTimeFilter: textIn(json, 'One-Time Filter'),
    sortKey: textsIn(json, 'Sort Key'),
    presortedKey: textsIn(json, 'Presorted Key'),
    groupKey: textsIn(json, 'Group Key'),
    startupCost: figureIn(json, 'Startup Cost'),
    totalCost: figureIn(json, 'Total Cost'),
    rows: figureIn(json, 'Plan Rows'),
    width: figureIn(json, 'Plan Width'),
    actual: actualOf(json),
    buffers: buffersOf(json),
    figure: (name) => figureIn(json, name),
    text: (name) => textIn(json, name),
    children,
  };
}

function actualOf(json: PlanJson): Actual | undefined {
  const loops = figureIn(json, 'Actual Loops');
  if (loops === undefined) return undefined;
  return {
    loops,
    rows: figureIn(json, 'Actual Rows') ?? 0,
    ms: figureIn(json, 'Actual Total Time') ?? null,
    startupMs: figureIn(json, 'Actual Startup Time') ?? null,
  };
}

/** Blocks by EXPLAIN's names; `undefined` when buffers were not counted. */
function buffersOf(json: PlanJson): Buffers | undefined {
  if (!isRecord(json) || figureIn(json, 'Shared Hit Blocks') === undefined) return undefined;
  const blocks = (name: string): number => figureIn(json, `${name} Blocks`) ?? 0;
  return {
    sharedHit: blocks('Shared Hit'),
    sharedRead: blocks('Shared Read'),
    sharedDirtied: blocks('Shared Dirtied'),
    sharedWritten: blocks('Shared Written'),
    localHit: blocks('Local Hit'),
    localRead: blocks('Local Read'),
    tempRead: blocks('Temp Read'),
    tempWritten: blocks('Temp Written'),
  };
}
