import { type Token, tokenize } from '../tokens.ts';
import { isObject, nodeOf, type Tree } from './tree.ts';

/** Longer ones are cut with `…`. */
const mostText = 10_000;

/** Numbers and signs of a statement that are to be treated otherwise than others; by byte, as the parser counts. */
export interface Marks {
  /** Numbers that are no values: places in ORDER BY and GROUP BY, lengths of types. */
  kept: ReadonlySet<number>;
  /** Where constants begin: a sign there is part of the constant. */
  constants: ReadonlySet<number>;
}

const noMarks: Marks = { kept: new Set(), constants: new Set() };

/**
 * The text with `$1`, `$2` … in place of its constants, numbered after the parameters that it has; without comments, on one
 * line. Every string is taken for a constant, whatever it stands for: passwords and bodies of functions as well.
 */
export function normalize(text: string, marks: Marks = noMarks): string {
  const tokens = tokenize(text);
  const byteAt = bytePositions(text);
  let highest = 0;
  for (const token of tokens)
    if (token.kind === 'placeholder') highest = Math.max(highest, Number(token.text.slice(1)));
  let result = '';
  let before: Token | undefined;
  let sign = false;
  for (const token of tokens) {
    const spaced = before !== undefined && token.start > before.end;
    if (token.kind === 'string' && before?.kind === 'string' && result.endsWith(`$${highest}`)) {
      // 'a' 'b' on two lines is one string.
      before = token;
      continue;
    }
    if (spaced && !sign) result += ' ';
    sign = isSign(token) && marks.constants.has(byteAt(token.start));
    if (!sign) {
      const value = token.kind === 'string' || (token.kind === 'number' && !marks.kept.has(byteAt(token.start)));
      result += value ? `$${++highest}` : text.slice(token.start, token.end);
    }
    if (result.length > mostText) return `${result.slice(0, mostText)}…`;
    before = token;
  }
  return result.replace(/[\s;]+$/u, '');
}

function isSign({ kind, text }: Token): boolean {
  return kind === 'operator' && (text === '-' || text === '+');
}

/** Byte position of a character; positions must be asked for in rising order. */
function bytePositions(text: string): (at: number) => number {
  if (/^[\0-\x7f]*$/.test(text)) return (at) => at;
  let last = 0;
  let bytes = 0;
  return (at) => {
    bytes += Buffer.byteLength(text.slice(last, at));
    last = at;
    return bytes;
  };
}

/** Finds the marks in a parse tree. */
export function marksOf(tree: Tree): Marks {
  const kept = new Set<number>();
  const constants = new Set<number>();
  const visit = (part: Tree | undefined, plain: boolean): void => {
    if (Array.isArray(part)) for (const item of part as readonly Tree[]) visit(item, plain);
    if (!isObject(part) || Array.isArray(part)) return;
    const node = nodeOf(part);
    if (node?.tag === 'A_Const') {
      const { location } = node.fields;
      if (typeof location === 'number') (plain && 'ival' in node.fields ? kept : constants).add(location);
      return;
    }
    const isSort = node?.tag === 'SortBy';
    for (const field in part) {
      const inList =
        (field === 'sortClause' || field === 'groupClause' || field === 'distinctClause') && 'limitOption' in part;
      visit(part[field], inList || field === 'typmods' || (plain && (isSort || field === 'node')));
    }
  };
  visit(tree, false);
  return { kept, constants };
}

/**
 * The text that pg_stat_statements shows cannot always be parsed: `SAVEPOINT $1`. The same with something in place of its
 * parameters that can.
 */
export function withoutPlaceholders(text: string, substitute: (number: string) => string): string {
  let result = '';
  let at = 0;
  for (const token of tokenize(text)) {
    if (token.kind !== 'placeholder') continue;
    result += text.slice(at, token.start) + substitute(token.text.slice(1));
    at = token.end;
  }
  return result + text.slice(at);
}
