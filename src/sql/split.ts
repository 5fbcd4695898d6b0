import { tokenize } from './tokens.ts';

/** A statement of a text with several. */
export interface StatementPiece {
  text: string;
  /** What stands before it, after the statement before: comments and space. */
  before: string;
}

/**
 * Cuts a text at its semicolons, by PostgreSQL's lexical rules: not in strings, quoted identifiers, comments and dollar quotes, nor in
 * brackets (rules) or BEGIN ATOMIC … END. Never throws.
 */
export function splitStatements(text: string): StatementPiece[] {
  const pieces: StatementPiece[] = [];
  let end = 0;
  let first: number | undefined;
  let depth = 0;
  let atomic = 0;
  let last = '';
  const close = (to: number, next: number): void => {
    if (first !== undefined) pieces.push({ text: text.slice(first, to).trimEnd(), before: text.slice(end, first) });
    first = undefined;
    end = next;
    depth = 0;
    atomic = 0;
  };
  for (const token of tokenize(text)) {
    const { kind, text: word, start } = token;
    if (kind === 'punctuation' && word === ';' && depth === 0 && atomic === 0) {
      close(start, token.end);
      continue;
    }
    first ??= start;
    if (kind === 'punctuation' && word === '(') depth++;
    if (kind === 'punctuation' && word === ')') depth = Math.max(0, depth - 1);
    if (kind === 'word' && word === 'atomic' && last === 'begin') atomic = 1;
    else if (kind === 'word' && word === 'case' && atomic > 0) atomic++;
    else if (kind === 'word' && word === 'end' && atomic > 0) atomic--;
    last = kind === 'word' ? word : '';
  }
  close(text.length, text.length);
  return pieces;
}
