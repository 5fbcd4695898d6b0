import type { PlanJson } from '../tree/json.ts';
import { buffersLine } from './buffers.ts';
import { type NodeLine, nodeLine } from './node-line.ts';
import { propertyFields } from './property.ts';

/** A node while it is read: its fields, and the nodes below it. */
interface Open {
  indent: number;
  json: Record<string, unknown>;
  children: Record<string, unknown>[];
}

/**
 * EXPLAIN's text form as its JSON form, as far as the text tells: names of schemas are in it with VERBOSE only. `undefined` when there
 * is no node in it. Of several plans only the first is read.
 */
export function textPlan(lines: readonly string[]): PlanJson | undefined {
  const first = lines.findIndex((line) => isRoot(line));
  if (first < 0) return undefined;
  const document: Record<string, unknown> = headerFields(lines.slice(0, first));
  const open: Open[] = [];
  let root: Record<string, unknown> | undefined;
  /** Named by the line above a node: `SubPlan 1`, `CTE recent`. */
  let subplan: string | undefined;
  let index = first;
  for (; index < lines.length; index += 1) {
    const line = joined(lines, index);
    const opened = nodeLine(line);
    if (opened && (opened.arrow || root === undefined)) {
      root ??= opened.fields;
      enter(open, opened, subplan);
      subplan = undefined;
      continue;
    }
    if (isEnd(line) || opened) break;
    const named = /^(\s*)((?:InitPlan|SubPlan) \d+(?: \(returns .*\))?|CTE .+)$/.exec(line);
    if (named && !/:/.test(line)) {
      subplan = named[2];
      // It stands where the properties of its node do, two columns behind the node's name.
      closeTo(open, (named[1]?.length ?? 0) - 1);
    } else if (!/^\s*(?:Worker \d+|JIT):?/.test(line)) Object.assign(open.at(-1)?.json ?? {}, propertyFields(line));
  }
  if (!root) return undefined;
  return { ...document, Plan: root, ...footerFields(lines.slice(index)) };
}

function isRoot(line: string): boolean {
  const found = nodeLine(line);
  return found !== undefined && !found.arrow;
}

/** A line whose figures were wrapped is read with the next one. */
function joined(lines: readonly string[], index: number): string {
  const line = lines[index] ?? '';
  if (!/\((?:cost=|actual )[^)]*$/.test(line)) return line;
  return `${line} ${(lines[index + 1] ?? '').trim()}`;
}

/** Puts a node where its indentation says. */
function enter(open: Open[], { indent, fields }: NodeLine, subplan: string | undefined): void {
  closeTo(open, indent);
  const parent = open.at(-1);
  if (parent) {
    Object.assign(fields, relationshipOf(parent, subplan));
    parent.children.push(fields);
    parent.json['Plans'] = parent.children;
  }
  open.push({ indent, json: fields, children: [] });
}

/** Ends the nodes that begin at a column or further right. */
function closeTo(open: Open[], column: number): void {
  while (open.length > 1 && (open.at(-1)?.indent ?? 0) >= column) open.pop();
}

const joins = new Set(['Nested Loop', 'Hash Join', 'Merge Join']);
const several = new Set(['Append', 'Merge Append', 'BitmapAnd', 'BitmapOr']);

function relationshipOf(parent: Open, subplan: string | undefined): Record<string, unknown> {
  if (subplan !== undefined) {
    const kind = subplan.startsWith('SubPlan') ? 'SubPlan' : 'InitPlan';
    return { 'Parent Relationship': kind, 'Subplan Name': subplan };
  }
  const type = String(parent.json['Node Type']);
  const isPlain = (child: Record<string, unknown>): boolean => child['Subplan Name'] === undefined;
  const before = parent.children.filter((child) => isPlain(child)).length;
  if (several.has(type)) return { 'Parent Relationship': 'Member' };
  if (type === 'Subquery Scan') return { 'Parent Relationship': 'Subquery' };
  return {
    'Parent Relationship':
      (joins.has(type) || type === 'SetOp' || type === 'Recursive Union') && before > 0 ? 'Inner' : 'Outer',
  };
}

const ends =
  /^\s*(?:Planning(?: Time)?:|Execution Time:|JIT(?: for worker \d+)?:|Trigger .*: time=|Trigger .*: calls=|Settings:|Query Identifier:|Serialization:|Total runtime:)/;

function isEnd(line: string): boolean {
  return ends.test(line);
}

/** What auto_explain writes before a plan. */
function headerFields(lines: readonly string[]): Record<string, unknown> {
  const start = lines.findIndex((line) => /Query Text: /.test(line));
  if (start < 0) return {};
  const [head = '', ...rest] = lines.slice(start).filter((line) => !/^\s*Query Parameters: /.test(line));
  return {
    'Query Text': [head.replace(/^.*?Query Text: /, ''), ...rest.map((line) => line.trimEnd())].join('\n').trim(),
  };
}

/** What stands below the tree: times, JIT, triggers, settings. */
function footerFields(lines: readonly string[]): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  const triggers: Record<string, unknown>[] = [];
  let planning = false;
  for (const line of lines) {
    const text = line.trim();
    const time = /^(Planning|Execution) Time: ([\d.]+) ms/.exec(text);
    if (time) found[`${time[1]} Time`] = Number(time[2]);
    if (text.startsWith('Planning:')) planning = true;
    else if (planning && text.startsWith('Buffers: ')) found['Planning'] = buffersLine(text.slice(9));
    else if (/^[A-Z]/.test(text)) planning = planning && /^(?:I\/O|Memory)/.test(text);
    if (text.startsWith('Settings: ')) found['Settings'] = settingsOf(text.slice(10));
    const trigger = triggerOf(text);
    if (trigger) triggers.push(trigger);
    const identifier = /^Query Identifier: (-?\d+)/.exec(text);
    if (identifier) found['Query Identifier'] = identifier[1];
  }
  const jit = jitOf(lines);
  return { ...found, ...(triggers.length > 0 ? { Triggers: triggers } : {}), ...(jit ? { JIT: jit } : {}) };
}

/** `Trigger for constraint a on b: time=0.1 calls=2` */
function triggerOf(text: string): Record<string, unknown> | undefined {
  const found = /^Trigger (.+?): (?:time=([\d.]+) )?calls=(\d+)/.exec(text);
  if (!found) return undefined;
  const [, what = '', time, calls] = found;
  const of = /^(?:(.+?) )?for constraint (.+?)(?: on (.+))?$/.exec(what) ?? /^(.+?)(\0)?(?: on (.+))?$/.exec(what);
  const [, name, constraint, relation] = of ?? [];
  return {
    ...(name === undefined ? {} : { 'Trigger Name': name }),
    ...(constraint === undefined ? {} : { 'Constraint Name': constraint }),
    ...(relation === undefined ? {} : { Relation: relation }),
    ...(time === undefined ? {} : { Time: Number(time) }),
    Calls: Number(calls),
  };
}

function jitOf(lines: readonly string[]): Record<string, unknown> | undefined {
  const start = lines.findIndex((line) => /^\s*JIT:/.test(line));
  if (start < 0) return undefined;
  const block = lines.slice(start + 1, start + 4).join('\n');
  const functions = /Functions: (\d+)/.exec(block)?.[1];
  const total = /Total ([\d.]+) ms/.exec(block)?.[1];
  return {
    Functions: Number(functions ?? 0),
    ...(total === undefined ? {} : { Timing: { Total: Number(total) } }),
  };
}

/** `work_mem = '4MB', jit = 'off'` */
function settingsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/([\w.]+) = '((?:[^']|'')*)'/g)].map(([, name = '', value = '']) => [
      name,
      value.replaceAll("''", "'"),
    ]),
  );
}
