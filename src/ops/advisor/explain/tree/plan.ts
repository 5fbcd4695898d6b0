import { figureIn, isRecord, type PlanJson, recordsIn, textIn } from './json.ts';
import { toNode } from './node.ts';
import { ownFigures } from './own.ts';
import type { ExplainedPlan, JitFigures, PlanNode, TriggerFigures } from './types.ts';

/** The plan of EXPLAIN's JSON: `[{ "Plan": … }]`, `{ "Plan": … }` or its root node; `undefined` when it is something else. */
export function planOf(answer: unknown): ExplainedPlan | undefined {
  const document = documentOf(answer);
  const rootJson = document && isRecord(document['Plan']) ? document['Plan'] : undefined;
  if (!document || !rootJson) return undefined;
  const nodes: PlanNode[] = [];
  const parents = new Map<PlanNode, PlanNode>();
  let count = 0;
  const root = toNode(rootJson, () => count++);
  const list = (node: PlanNode): void => {
    nodes.push(node);
    for (const child of node.children) {
      parents.set(child, node);
      list(child);
    }
  };
  list(root);
  const executed = root.actual !== undefined;
  const executionMs = figureIn(document, 'Execution Time');
  const own = ownFigures({ root, nodes, parents, executionMs });
  return {
    root,
    nodes,
    parentOf: (node) => parents.get(node),
    own,
    executed,
    planningMs: figureIn(document, 'Planning Time'),
    executionMs,
    jit: jitOf(document),
    triggers: recordsIn(document, 'Triggers').map((trigger) => triggerOf(trigger)),
    settings: settingsOf(document),
    queryText: textIn(document, 'Query Text'),
  };
}

function documentOf(answer: unknown): PlanJson | undefined {
  const document: unknown = Array.isArray(answer) ? answer[0] : answer;
  if (!isRecord(document)) return undefined;
  // As drivers give a row: { "QUERY PLAN": [ … ] }.
  const column = document['QUERY PLAN'];
  if (column !== undefined) return documentOf(column);
  return textIn(document, 'Node Type') === undefined ? document : { Plan: document };
}

function jitOf(document: PlanJson): JitFigures | undefined {
  const jit = document['JIT'];
  if (!isRecord(jit)) return undefined;
  const timing = jit['Timing'];
  return {
    functions: figureIn(jit, 'Functions') ?? 0,
    totalMs: isRecord(timing) ? (figureIn(timing, 'Total') ?? null) : null,
  };
}

function triggerOf(trigger: PlanJson): TriggerFigures {
  const constraint = textIn(trigger, 'Constraint Name');
  return {
    name: textIn(trigger, 'Trigger Name') ?? constraint ?? 'trigger',
    constraint,
    relation: textIn(trigger, 'Relation'),
    ms: figureIn(trigger, 'Time') ?? null,
    calls: figureIn(trigger, 'Calls') ?? 0,
  };
}

function settingsOf(document: PlanJson): Record<string, string> {
  const settings = document['Settings'];
  if (!isRecord(settings)) return {};
  return Object.fromEntries(
    Object.entries(settings).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
