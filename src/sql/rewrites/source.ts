import { parse } from '../describe/parser.ts';
import { fieldsOf, listOf, type Tree } from '../describe/tree.ts';
import { type Token, tokenize } from '../tokens.ts';

/** A piece of the text: from `start` up to, not including, `end`. */
export interface Span {
  start: number;
  end: number;
}

/** A statement's text, in which the parse tree's places can be found again. */
export interface Source {
  readonly text: string;
  readonly tokens: readonly Token[];
  /** The number of the token that begins at a byte position of the parse tree; `undefined` when none does. */
  tokenAt(location: Tree | undefined): number | undefined;
  slice(span: Span): string;
  /** The text with other pieces in place of some that do not overlap. */
  replaced(...changes: readonly (Span & { by: string })[]): string;
  /** What stands on the left and the right of an operator, up to where its condition ends. */
  operands(operator: number): { left: Span; right: Span } | undefined;
  /** From a token on to the parenthesis that closes the one that it is, or that follows. */
  closing(opening: number): number | undefined;
}

export function createSource(text: string): Source {
  const tokens = tokenize(text);
  const byStart = new Map(tokens.map((token, index) => [token.start, index]));
  const isAscii = /^[\0-\x7f]*$/.test(text);
  const bytes = isAscii ? undefined : Buffer.from(text);
  const charAt = (byte: number): number => (bytes ? bytes.subarray(0, byte).toString().length : byte);
  return {
    text,
    tokens,
    tokenAt: (location) => (typeof location === 'number' && location > 0 ? byStart.get(charAt(location)) : undefined),
    slice: ({ start, end }) => text.slice(start, end),
    replaced: (...changes) => {
      let result = text;
      for (const { start, end, by } of changes.toSorted((a, b) => b.start - a.start)) {
        result = result.slice(0, start) + by + result.slice(end);
      }
      return result;
    },
    operands: (operator) => operandsOf(tokens, operator),
    closing: (opening) => closingOf(tokens, opening),
  };
}

const wordSet = (list: string): ReadonlySet<string> => new Set(list.split(/\s+/));
/** What ends an operand on its left. */
const before = wordSet('where on and or not having when then else select distinct all by case using set values in');
/** And on its right. */
const after = wordSet(
  `and or group order limit offset fetch having window for union intersect except returning then else when end join cross natural
  inner as is isnull notnull on where`,
);
/** Functions as well, unless a word follows. */
const joins = wordSet('left right full');

function operandsOf(tokens: readonly Token[], operator: number): { left: Span; right: Span } | undefined {
  const found = tokens[operator];
  if (!found) return undefined;
  let words = 1;
  while (
    found.text === 'not' &&
    /^(?:like|ilike|in|similar|between)$/.test(tokens[operator + words]?.text ?? '') &&
    words < 2
  )
    words += 1;
  const first = boundary(tokens, operator - 1, -1);
  const last = boundary(tokens, operator + words, 1);
  const [leftStart, leftEnd, rightStart, rightEnd] = [
    tokens[first],
    tokens[operator - 1],
    tokens[operator + words],
    tokens[last],
  ];
  if (!leftStart || !leftEnd || !rightStart || !rightEnd || first > operator - 1 || last < operator + words)
    return undefined;
  return { left: { start: leftStart.start, end: leftEnd.end }, right: { start: rightStart.start, end: rightEnd.end } };
}

/** The last token that belongs to an operand, going in one direction. */
function boundary(tokens: readonly Token[], from: number, step: 1 | -1): number {
  let depth = 0;
  let index = from;
  for (; index >= 0 && index < tokens.length; index += step) {
    const { kind, text } = tokens[index] ?? { kind: 'word', text: '' };
    const bracket = kind === 'punctuation' ? nesting(text) * step : 0;
    const choice = kind === 'word' ? (text === 'case' ? step : text === 'end' ? -step : 0) : 0;
    if (depth === 0 && (bracket < 0 || choice < 0)) break;
    depth += bracket + choice;
    if (depth === 0 && bracket === 0 && choice === 0 && ends(tokens, index, step)) break;
  }
  return index - step;
}

function nesting(text: string): number {
  if (text === '(' || text === '[') return 1;
  return text === ')' || text === ']' ? -1 : 0;
}

function ends(tokens: readonly Token[], index: number, step: 1 | -1): boolean {
  const { kind, text } = tokens[index] ?? { kind: 'word', text: '' };
  if (kind === 'punctuation') return text === ',' || text === ';';
  if (kind !== 'word') return false;
  if (step === -1) return before.has(text);
  return after.has(text) || (joins.has(text) && tokens[index + 1]?.kind === 'word');
}

function closingOf(tokens: readonly Token[], opening: number): number | undefined {
  let depth = 0;
  for (let index = opening; index < tokens.length; index += 1) {
    const { kind, text } = tokens[index] ?? { kind: 'word', text: '' };
    if (kind !== 'punctuation') continue;
    depth += nesting(text);
    if (depth === 0 && nesting(text) < 0) return index;
  }
  return undefined;
}

/** Whether a piece of text, taken by itself, is the expression that the parse tree has there. */
export function isExpression(piece: string, tree: Tree | undefined): boolean {
  const [statement, ...others] = parse(`SELECT ${piece}`) ?? [];
  if (statement?.tag !== 'SelectStmt' || others.length > 0) return false;
  const targets = listOf(statement.fields['targetList']);
  const value = fieldsOf(targets[0], 'ResTarget')?.['val'];
  return targets.length === 1 && value !== undefined && sameTree(value, tree);
}

/** Whether two trees are the same but for where they stand. */
export function sameTree(a: Tree | undefined, b: Tree | undefined): boolean {
  return JSON.stringify(a, withoutPlaces) === JSON.stringify(b, withoutPlaces);
}

function withoutPlaces(this: unknown, key: string, value: unknown): unknown {
  if (/^(?:location|list_start|list_end|rexpr_list_start|rexpr_list_end)$/.test(key)) return undefined;
  return value;
}
