import { type Token, tokenize } from './tokens.ts';

/** Where a statement's placeholders stand. */
export interface Placeholders {
  /** The text without what does not matter: white space, comments, case of words; its placeholders numbered as they come. */
  shape: string;
  /** Their own numbers, each once, as they come: `[2, 1]` for `a = $2 AND b = $1`. */
  order: readonly number[];
}

/**
 * What two texts are held against each other by when values of the placeholders of one shall be given to the other: where the shapes are
 * the same, the first number of one's order stands where the first of the other's stands, and so on.
 */
export function placeholdersOf(text: string): Placeholders {
  const order: number[] = [];
  const parts = tokenize(text).map((token) => {
    if (token.kind !== 'placeholder') return partOf(text, token);
    return `$${placeIn(order, numberOf(token))}`;
  });
  while (parts.at(-1) === ';') parts.pop();
  return { shape: parts.join(' '), order };
}

function partOf(text: string, token: Token): string {
  if (token.kind === 'quoted') return JSON.stringify(token.text);
  return token.text === '' ? text.slice(token.start, token.end) : token.text;
}

/** The place of a number, from 1; one that is new comes last. */
function placeIn(order: number[], number: number): number {
  const known = order.indexOf(number);
  return known >= 0 ? known + 1 : order.push(number);
}

/** How many values a statement takes: the highest number among its placeholders. */
export function placeholderCount(text: string): number {
  return highest(tokenize(text));
}

/** The text with its placeholders numbered without gaps, which a server would refuse: `a IN ($1, $2) AND b = $3` as `describe` writes it. */
export function withoutGaps(text: string): string {
  const order = [...placeholdersOf(text).order].toSorted((a, b) => a - b);
  if (order.length === (order.at(-1) ?? 0)) return text;
  let result = '';
  let at = 0;
  for (const token of tokenize(text)) {
    if (token.kind !== 'placeholder') continue;
    result += `${text.slice(at, token.start)}$${order.indexOf(numberOf(token)) + 1}`;
    at = token.end;
  }
  return result + text.slice(at);
}

/**
 * A value of a text: of a parameter of its own, with those that follow it in a list; or a constant. `undefined`: how it is written is not
 * understood.
 */
export type ShownValue = { parameter: number; others?: readonly number[] } | { constant: string | null | undefined };

/**
 * What stands in the original text where `describe` has put placeholders into the normalized one, by their numbers there: parameters keep
 * theirs, constants were given the following ones. Of a list of values it is the first, as in the normalized text.
 * @returns `undefined` when the texts do not belong together, or one was cut.
 */
export function valuesShown(original: string, normalized: string): Map<number, ShownValue> | undefined {
  const written = tokenize(original);
  const own = highest(written);
  const values = new Map<number, ShownValue>();
  let at = 0;
  let latest = 0;
  for (const token of tokenize(normalized)) {
    let found = written[at];
    const constant = token.kind === 'placeholder' && numberOf(token) > own;
    if (found?.text === ',' && found.kind === 'punctuation' && !(token.kind === 'punctuation' && token.text === ',')) {
      const end = endOfList(written, at);
      const others = parametersIn(written.slice(at, end));
      const first = values.get(latest);
      if (others.length > 0 && first && 'parameter' in first) values.set(latest, { ...first, others });
      at = end;
      found = written[at];
    }
    if (!found) return undefined;
    if (constant) {
      const read = constantAt(original, written, at);
      values.set(numberOf(token), { constant: read.value });
      at = read.next;
      continue;
    }
    if (found.kind !== token.kind || partOf(original, found) !== partOf(normalized, token)) return undefined;
    if (token.kind === 'placeholder') {
      latest = numberOf(token);
      values.set(latest, { parameter: latest });
    }
    at++;
  }
  return written.slice(at).every(({ text }) => text === ';') ? values : undefined;
}

/** Behind the other values of a list: where its parenthesis or bracket closes. */
function endOfList(tokens: readonly Token[], from: number): number {
  let depth = 0;
  for (let at = from; at < tokens.length; at++) {
    const { kind, text } = tokens[at] as Token;
    if (kind !== 'punctuation') continue;
    if (text === '(' || text === '[') depth++;
    else if ((text === ')' || text === ']') && --depth < 0) return at;
  }
  return tokens.length;
}

/** Parameters of the rest of a list, `, $2, $3`; none where it is of anything else. */
function parametersIn(rest: readonly Token[]): number[] {
  const parameters = rest.filter(({ kind }) => kind === 'placeholder');
  return rest.every(({ kind, text }) => kind === 'placeholder' || text === ',') ? parameters.map(numberOf) : [];
}

function constantAt(text: string, tokens: readonly Token[], from: number): { value: ShownConstant; next: number } {
  const sign = tokens[from]?.kind === 'operator' ? tokens[from] : undefined;
  const at = sign ? from + 1 : from;
  const token = tokens[at];
  if (!token) return { value: undefined, next: at };
  let next = at + 1;
  while (token.kind === 'string' && tokens[next]?.kind === 'string') next++;
  const written = text.slice(token.start, token.end);
  if (next > at + 1) return { value: undefined, next };
  const value = constantOf(token, written);
  return { value: sign && typeof value === 'string' ? `${sign.text === '-' ? '-' : ''}${value}` : value, next };
}

type ShownConstant = string | null | undefined;

/** Strings with escapes, bits and other rare forms are not understood. */
function constantOf({ kind, text }: Token, written: string): ShownConstant {
  if (kind === 'number') return /^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(written) ? written : undefined;
  if (kind === 'string') return /^'.*'$/s.test(written) ? written.slice(1, -1).replaceAll("''", "'") : undefined;
  if (text === 'true' || text === 'false') return text;
  return text === 'null' ? null : undefined;
}

function highest(tokens: readonly Token[]): number {
  return tokens.reduce((most, token) => (token.kind === 'placeholder' ? Math.max(most, numberOf(token)) : most), 0);
}

const numberOf = ({ text }: Token): number => Number(text.slice(1));
