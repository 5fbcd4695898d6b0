import { type Token, tokenize } from '../tokens.ts';
import type { Marks } from './marks.ts';

/** Longer ones are cut with `…`. */
const mostText = 10_000;

/**
 * The text with `$1`, `$2` … in place of its constants, numbered after the parameters that it has; without comments, on one
 * line, of a list of values only the first. Every string is taken for a constant, whatever it stands for: passwords and
 * bodies of functions as well; without the marks of a parse tree every number, too.
 */
export function normalize(text: string, marks?: Marks): string {
  const tokens = tokenize(text);
  const byteAt = bytePositions(text);
  let number = highestPlaceholder(tokens);
  let result = '';
  let before: Token | undefined;
  let joined = false;
  /** The end of the list that is being read, and how many parentheses are open in it. */
  let list: { end: number; depth: number; skipping: boolean } | undefined;
  for (const token of tokens) {
    const byte = byteAt(token.start);
    // 'a' 'b' on two lines is one string.
    const continued = token.kind === 'string' && before?.kind === 'string';
    const spaced = before !== undefined && token.start > before.end && !joined;
    before = token;
    if (list && byte >= list.end) {
      if (list.skipping) result += ' /*, ... */';
      list = undefined;
    }
    if (list) list.depth += depthChange(token);
    if (list && list.depth === 0 && token.text === ',' && token.kind === 'punctuation') list.skipping = true;
    if (list?.skipping || continued) continue;
    const end = marks?.lists.get(byte);
    if (end !== undefined) list = { end, depth: 0, skipping: false };
    if (spaced) result += ' ';
    const signed = joined;
    joined = isSign(token) && marks?.constants.has(byte) === true;
    if (joined) continue;
    result += isValue(token, signed || marks?.constants.has(byte))
      ? `$${++number}`
      : text.slice(token.start, token.end);
    if (result.length > mostText) return `${result.slice(0, mostText)}…`;
  }
  return result.replace(/[\s;]+$/u, '');
}

function highestPlaceholder(tokens: readonly Token[]): number {
  let highest = 0;
  for (const { kind, text } of tokens) if (kind === 'placeholder') highest = Math.max(highest, Number(text.slice(1)));
  return highest;
}

function depthChange({ kind, text }: Token): number {
  if (kind !== 'punctuation') return 0;
  if (text === '(' || text === '[') return 1;
  return text === ')' || text === ']' ? -1 : 0;
}

function isSign({ kind, text }: Token): boolean {
  return kind === 'operator' && (text === '-' || text === '+');
}

/** @param marked whether the parser says that it is a constant; `undefined` when there is no parse tree. */
function isValue({ kind }: Token, marked: boolean | undefined): boolean {
  return kind === 'string' || (kind === 'number' && marked !== false) || (kind === 'word' && marked === true);
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
