import { isReserved, readableIdentifier } from './identifier.ts';
import type { Token } from './tokens.ts';

/** Words that are not reserved but read as keywords. */
const keywords = new Set(
  `abort alter begin between by call cascade commit conflict copy cross deallocate declare delete do drop execute exists
  explain filter following if index insert join key matched materialized merge next nothing over partition preceding prepare recursive
  refresh reindex release rename reset rollback row rows savepoint set share show skip start temp temporary truncate
  unbounded update vacuum values view within`.split(/\s+/),
);

/** A statement as pieces of text in which every value is `?`. */
export type Piece = string;

/** Every value becomes `?`, names and keywords take one spelling, a sign before a value belongs to it. */
export function fold(tokens: readonly Token[]): Piece[] {
  const pieces: Piece[] = [];
  for (const [at, token] of tokens.entries()) {
    const { kind, text } = token;
    if (kind === 'string' || kind === 'number' || kind === 'placeholder' || isBooleanValue(token, pieces.at(-1))) {
      if (isSign(pieces)) pieces.pop();
      // 'a' 'b' on two lines is one string.
      const continued = kind === 'string' && tokens[at - 1]?.kind === 'string';
      if (!continued) pieces.push('?');
    } else if (kind === 'quoted') {
      pieces.push(readableIdentifier(text));
    } else if (kind === 'word') {
      const afterDot = pieces.at(-1) === '.';
      pieces.push(!afterDot && (isReserved(text) || keywords.has(text)) ? text.toUpperCase() : text);
    } else {
      pieces.push(text === '!=' ? '<>' : text);
    }
  }
  while (pieces.at(-1) === ';') pieces.pop();
  return pieces;
}

/** `true` where a value stands (`= true`, `f(x, false)`); not in IS TRUE. */
function isBooleanValue({ kind, text }: Token, before: Piece | undefined): boolean {
  return kind === 'word' && (text === 'true' || text === 'false') && before !== undefined && opensValue(before);
}

function opensValue(piece: Piece): boolean {
  return piece === '(' || piece === ',' || piece === '[' || /^[-+*/<>=~!@#%^&|`]+$/.test(piece);
}

/** True when the last piece is a sign, not an operator between two values. */
function isSign(pieces: readonly Piece[]): boolean {
  const last = pieces.at(-1);
  if (last !== '-' && last !== '+') return false;
  const before = pieces.at(-2);
  return before === undefined || opensValue(before) || /^[A-Z]+$/.test(before);
}

/** What IN ( may begin with instead of a list. */
const subquery = new Set(['SELECT', 'WITH', 'VALUES', 'TABLE']);

/**
 * Lists of any length become one: `IN (?, ?, ?)` and `ARRAY[?, ?]` keep each different element once, VALUES keeps its
 * first row.
 */
export function foldLists(pieces: readonly Piece[]): Piece[] {
  const closes = matchingParentheses(pieces);
  const result: Piece[] = [];
  for (let at = 0; at < pieces.length; at++) {
    const piece = pieces[at] ?? '';
    const close = closes.get(at);
    const before = pieces[at - 1];
    if (close !== undefined && (before === 'IN' || before === 'ARRAY')) {
      if (!subquery.has(pieces[at + 1] ?? '')) {
        result.push(piece);
        for (const element of distinctElements(pieces.slice(at + 1, close))) result.push(element);
        at = close - 1;
        continue;
      }
    }
    result.push(piece);
    if (piece !== 'VALUES') continue;
    const end = closes.get(at + 1);
    if (end === undefined) continue;
    for (const element of pieces.slice(at + 1, end + 1)) result.push(element);
    at = end;
    for (let next = closes.get(at + 2); pieces[at + 1] === ',' && next !== undefined; next = closes.get(at + 2))
      at = next;
    // The text was cut off within a row.
    if (pieces[at + 1] === ',' && pieces[at + 2] === '(') return result;
  }
  return result;
}

/** Index of the closing parenthesis or bracket of each opening one. */
function matchingParentheses(pieces: readonly Piece[]): Map<number, number> {
  const closes = new Map<number, number>();
  const open: number[] = [];
  for (const [at, piece] of pieces.entries()) {
    if (piece === '(' || piece === '[') open.push(at);
    if (piece !== ')' && piece !== ']') continue;
    const start = open.pop();
    if (start !== undefined) closes.set(start, at);
  }
  return closes;
}

/** The different elements of a list, each once. */
function distinctElements(pieces: readonly Piece[]): Piece[] {
  const elements = new Map<string, Piece[]>();
  let element: Piece[] = [];
  let depth = 0;
  for (const piece of [...pieces, ',']) {
    if (piece === '(' || piece === '[') depth++;
    if (piece === ')' || piece === ']') depth--;
    if (piece !== ',' || depth > 0) {
      element.push(piece);
      continue;
    }
    elements.set(element.join(' '), element);
    element = [];
  }
  return [...elements.values()].flatMap((pieceList, at) => (at === 0 ? pieceList : [',', ...pieceList]));
}

/** Pieces as one line, spaced as a person would. At most `most` characters, then `…`. */
export function joinPieces(pieces: readonly Piece[], most: number): string {
  let text = '';
  let before = '';
  for (const piece of pieces) {
    text += text !== '' && spaced(before, piece) ? ` ${piece}` : piece;
    before = piece;
    if (text.length > most) return `${text.slice(0, most)}…`;
  }
  return text;
}

function spaced(before: Piece, piece: Piece): boolean {
  if (before === '(' || before === '[' || before === '.' || before === '::') return false;
  if (
    piece === ')' ||
    piece === ']' ||
    piece === ',' ||
    piece === ';' ||
    piece === '.' ||
    piece === '::' ||
    piece === '['
  ) {
    return false;
  }
  // A function's parenthesis follows its name, a keyword's does not.
  if (piece === '(') return !/^(?:[a-z_"].*|\?)$/u.test(before);
  return true;
}
