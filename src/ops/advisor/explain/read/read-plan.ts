import { PitcrewError } from '../../../../errors.ts';
import { isRecord } from '../tree/json.ts';
import { planOf } from '../tree/plan.ts';
import type { ExplainedPlan } from '../tree/types.ts';
import { planLines } from './clean.ts';
import { textPlan } from './text.ts';

/** A plan that was read from a text, with the JSON that it is, or would have been. */
export interface ReadPlan {
  plan: ExplainedPlan;
  json: unknown;
}

/** Longer texts are refused: a plan of a thousand partitions takes about 500,000 characters. */
const mostText = 5_000_000;
/** Deeper ones are refused: they could not be written as JSON again. No planner makes such plans. */
const mostNested = 1000;

/** Whether a text looks like EXPLAIN's output, in any format, rather than like a statement. */
export function looksLikePlan(text: string): boolean {
  return (
    /\(cost=[\d.]+\.\.[\d.]+ rows=|\(actual (?:time|rows)=|"Node Type"\s*:|<Node-Type>|Node Type: "/.test(text) ||
    (/^[^\w\n]*(?:->[ ]+)?(?:Seq Scan|Index (?:Only )?Scan|Bitmap Heap Scan|Nested Loop|Hash (?:\w+ )?Join|Merge (?:\w+ )?Join|Limit|Sort|Aggregate|HashAggregate|GroupAggregate|Gather|Result|Append|Unique|WindowAgg|Incremental Sort)\b[^;]*$/m.test(
      text.replace(/^[ \t]*"?QUERY PLAN"?[ \t]*$/gim, ''),
    ) &&
      !/^\s*(?:select|insert|update|delete|merge|with|values|table|explain)\b/i.test(text))
  );
}

/**
 * Reads EXPLAIN's output as it was pasted: text or JSON, with what psql, pgAdmin or the server's log put around it. Of several plans
 * the first is read.
 * @throws {PitcrewError} `E_UNSUPPORTED` for YAML and XML, `E_BAD_REQUEST` for what is no plan
 */
export function readPlan(text: string): ReadPlan {
  if (text.length > mostText) throw notPlan(`It is longer than ${mostText} characters.`);
  const found = jsonIn(text) ?? textPlan(planLines(text));
  if (isDeep(found)) throw notPlan(`It is nested deeper than ${mostNested} nodes.`);
  const plan = planOf(found);
  if (plan) return { plan, json: Array.isArray(found) ? found[0] : found };
  const other = otherFormat(text);
  if (other === undefined) throw notPlan(undefined);
  throw new PitcrewError('E_UNSUPPORTED', `plans in ${other} are not read`, {
    hint: 'Run EXPLAIN again with FORMAT TEXT or FORMAT JSON.',
  });
}

/** Level by level, because a walk down would not end well either. */
function isDeep(json: unknown): boolean {
  let level = [json];
  // A node is an object in an array.
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > 2 * mostNested) return true;
    level = level.flatMap((value): unknown[] => (typeof value === 'object' && value ? Object.values(value) : []));
  }
  return false;
}

function notPlan(detail: string | undefined): PitcrewError {
  return new PitcrewError('E_BAD_REQUEST', 'this is no plan that can be read', {
    detail: detail ?? 'No node of a plan was found in it.',
    hint: 'Give the whole output of EXPLAIN, in text or JSON form.',
  });
}

function otherFormat(text: string): 'YAML' | 'XML' | undefined {
  if (/<explain\b|<Node-Type>/.test(text)) return 'XML';
  return /^[^\w\n]*Plan: *\+?$/m.test(text) && /Node Type:/.test(text) ? 'YAML' : undefined;
}

/** The JSON document in a text, with psql's frame or a line of the log around it. */
function jsonIn(text: string): unknown {
  if (!/"Plan"\s*:|"Node Type"\s*:/.test(text)) return undefined;
  for (const candidate of [text, planLines(text).join('\n')]) {
    const begin = candidate.search(/(?:\[\s*)?\{\s*"(?:Plan|QUERY PLAN|Query Text|Query Identifier|Node Type)"\s*:/);
    const end = Math.max(candidate.lastIndexOf(']'), candidate.lastIndexOf('}'));
    if (begin < 0 || end < begin) continue;
    const found = parsed(candidate.slice(begin, end + 1));
    if (Array.isArray(found) || isRecord(found)) return found;
  }
  return undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
