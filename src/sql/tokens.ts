/** A piece of a statement. White space and comments are no tokens. */
export interface Token {
  kind: 'word' | 'quoted' | 'string' | 'number' | 'placeholder' | 'punctuation' | 'operator';
  /**
   * As written; words that are not quoted in lower case, quoted identifiers without their quotes. Of a literal only the
   * kind matters, so that its text is left empty: values are never kept.
   */
  text: string;
  /** Where it stands in the statement. */
  start: number;
  end: number;
}

type Lexeme = Pick<Token, 'kind' | 'text'>;

const space = /[\s\u00a0\ufeff]/u;
const wordStart = /[\p{L}_]/u;
const wordPart = /[\p{L}\p{N}\p{M}_$]/u;
const digit = /\d/;
const numberPart = /[\da-zA-Z_.]/;
const operatorPart = /[+\-*/<>=~!@#%^&|`?]/;
const punctuation = /[()[\],;:.]/;
const tagPattern = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy;
/** Prefixes that belong to the string behind them: E'…', B'…', X'…', N'…'. */
const stringPrefix = /^[ebxn]$/i;

/**
 * Cuts a statement into tokens by PostgreSQL's lexical rules (SQL syntax, "Lexical Structure"; standard_conforming_strings
 * on). Never throws: in a text that was cut off, what is open ends at its end. Takes time in proportion to the length.
 */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const [lexeme, end] = next(text, at);
    if (lexeme) tokens.push({ kind: lexeme.kind, text: lexeme.text, start: at, end });
    at = end;
  }
  return tokens;
}

/** The token at a position, `undefined` for space and comments, and where it ends. */
function next(text: string, at: number): [Lexeme | undefined, number] {
  const char = text.charAt(at);
  const second = text.charAt(at + 1);
  if (space.test(char)) return [undefined, at + 1];
  if (char === '-' && second === '-') return [undefined, endOfLine(text, at)];
  if (char === '/' && second === '*') return [undefined, endOfComment(text, at)];
  if (char === "'") return [literal('string'), endOfQuoted(text, at + 1, "'", false)];
  if (char === '"') return quotedIdentifier(text, at);
  if (char === '$') return dollar(text, at);
  if (digit.test(char) || (char === '.' && digit.test(second))) return [literal('number'), endOfNumber(text, at)];
  if (wordStart.test(char) || isSurrogate(char)) return word(text, at);
  if (punctuation.test(char)) return punctuationAt(text, at);
  if (operatorPart.test(char)) return operator(text, at);
  return [{ kind: 'operator', text: char }, at + 1];
}

function literal(kind: 'string' | 'number'): Lexeme {
  return { kind, text: '' };
}

/** Half of a character beyond the basic plane: part of a word, as any letter that is not ASCII. */
function isSurrogate(char: string): boolean {
  return char >= '\ud800' && char <= '\udfff';
}

function word(text: string, at: number): [Lexeme, number] {
  let end = at + 1;
  while (end < text.length && (wordPart.test(text.charAt(end)) || isSurrogate(text.charAt(end)))) end++;
  const found = text.slice(at, end);
  const behind = text.charAt(end);
  if (behind === "'" && stringPrefix.test(found)) {
    return [literal('string'), endOfQuoted(text, end + 1, "'", found.toLowerCase() === 'e')];
  }
  if (behind === '&' && found.toLowerCase() === 'u') {
    const quote = text.charAt(end + 1);
    if (quote === "'") return [literal('string'), endOfQuoted(text, end + 2, "'", false)];
    if (quote === '"') return quotedIdentifier(text, end + 1);
  }
  return [{ kind: 'word', text: found.toLowerCase() }, end];
}

/** End of what a quote has opened; a doubled quote, and after E a backslash, keep it open. */
function endOfQuoted(text: string, from: number, quote: string, escapes: boolean): number {
  let at = from;
  while (at < text.length) {
    const char = text.charAt(at);
    if (escapes && char === '\\') at += 2;
    else if (char !== quote) at++;
    else if (text.charAt(at + 1) === quote) at += 2;
    else return at + 1;
  }
  return text.length;
}

function quotedIdentifier(text: string, at: number): [Lexeme, number] {
  const end = endOfQuoted(text, at + 1, '"', false);
  const inside = text.slice(at + 1, text.charAt(end - 1) === '"' && end > at + 1 ? end - 1 : end);
  return [{ kind: 'quoted', text: inside.replaceAll('""', '"') }, end];
}

/** `$1`, `$tag$ … $tag$`, or a lone `$`. */
function dollar(text: string, at: number): [Lexeme, number] {
  if (digit.test(text.charAt(at + 1))) {
    let end = at + 2;
    while (digit.test(text.charAt(end))) end++;
    return [{ kind: 'placeholder', text: text.slice(at, end) }, end];
  }
  tagPattern.lastIndex = at;
  const tag = tagPattern.exec(text)?.[0];
  if (tag === undefined) return [{ kind: 'operator', text: '$' }, at + 1];
  const close = text.indexOf(tag, at + tag.length);
  return [literal('string'), close < 0 ? text.length : close + tag.length];
}

function endOfNumber(text: string, at: number): number {
  let end = at + 1;
  while (end < text.length) {
    const char = text.charAt(end);
    const exponentSign =
      (char === '+' || char === '-') && /[eE]/.test(text.charAt(end - 1)) && !/^0[xX]/.test(text.slice(at, at + 2));
    // `1..10` is a range of two numbers in PL/pgSQL.
    if (char === '.' && text.charAt(end + 1) === '.') return end;
    if (!numberPart.test(char) && !(exponentSign && digit.test(text.charAt(end + 1)))) return end;
    end++;
  }
  return end;
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end + 1;
}

/** Comments nest in PostgreSQL. */
function endOfComment(text: string, from: number): number {
  let depth = 1;
  let at = from + 2;
  while (at < text.length && depth > 0) {
    const pair = text.slice(at, at + 2);
    if (pair === '/*') depth++;
    if (pair === '*/') depth--;
    at += pair === '/*' || pair === '*/' ? 2 : 1;
  }
  return at;
}

function punctuationAt(text: string, at: number): [Lexeme, number] {
  const two = text.slice(at, at + 2);
  if (two === '::' || two === ':=') return [{ kind: 'operator', text: two }, at + 2];
  return [{ kind: 'punctuation', text: text.charAt(at) }, at + 1];
}

/** NAMEDATALEN − 1: no operator of PostgreSQL is longer. */
const mostOperator = 63;

/** A run of operator characters, up to where a comment begins. */
function operator(text: string, at: number): [Lexeme, number] {
  let end = at + 1;
  while (end - at < mostOperator && operatorPart.test(text.charAt(end))) {
    const pair = text.slice(end, end + 2);
    if (pair === '--' || pair === '/*') break;
    end++;
  }
  // `=-1` is `=` and a sign: an operator ends in + or - only when it has one of these characters.
  if (!/[~!@#%^&|`?]/.test(text.slice(at, end))) {
    while (end - at > 1 && /[+-]/.test(text.charAt(end - 1))) end--;
  }
  return [{ kind: 'operator', text: text.slice(at, end) }, end];
}
