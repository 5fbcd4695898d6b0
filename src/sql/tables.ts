import { isReserved, readableIdentifier } from './identifier.ts';
import { kindOf } from './kind.ts';
import type { Token } from './tokens.ts';

/** Statements name few tables; what names more was written by a machine. */
const most = 100;

/** One level of parentheses. */
interface Frame {
  /** The verb whose clauses stand in it: only then FROM introduces tables (`extract(year FROM t)` has none). */
  verb: string | undefined;
  /** Within a list of tables, where a comma introduces another one. */
  inTables: boolean;
}

const verbs = new Set(['select', 'insert', 'update', 'delete', 'merge']);
const endOfTables = new Set(
  `except fetch for group having intersect limit offset order returning select set union values where when window`.split(
    ' ',
  ),
);
const skippedBeforeName = new Set(['concurrently', 'exists', 'if', 'lateral', 'not', 'only']);
/** Behind these, UPDATE belongs to a clause: FOR UPDATE, FOR NO KEY UPDATE, ON UPDATE, DO UPDATE, THEN UPDATE. */
const beforeClauseUpdate = new Set(['do', 'for', 'key', 'on', 'then', 'before', 'after', 'or', 'grant', ',']);

/**
 * The tables that a statement names, `schema.name` where it says so, in the order of their appearance. By the form alone:
 * views count as tables; names of WITH, functions and what functions read are left out.
 */
export function tablesOf(tokens: readonly Token[]): string[] {
  const found = new Set<string>();
  const withNames = commonTableNames(tokens);
  const ddl = kindOf(tokens) === 'ddl';
  const frames: Frame[] = [];
  let frame: Frame = { verb: undefined, inTables: false };
  /** What the next name is: a table to read (unless parentheses make it a function), a table to change, or neither. */
  let expected: 'source' | 'target' | undefined;

  for (let at = 0; at < tokens.length && found.size < most; at++) {
    const token = tokens[at];
    if (!token) break;
    const { kind, text } = token;
    if (kind === 'punctuation') {
      if (text === '(') {
        frames.push(frame);
        frame = { verb: undefined, inTables: expected === 'source' };
      } else if (text === ')') {
        frame = frames.pop() ?? { verb: undefined, inTables: false };
        expected = undefined;
      } else if (text === ',') {
        expected = frame.inTables ? 'source' : undefined;
      }
      continue;
    }
    if (expected && (kind === 'quoted' || (kind === 'word' && !isReserved(text) && !skippedBeforeName.has(text)))) {
      const { name, end } = qualifiedAt(tokens, at);
      const isFunction = expected === 'source' && isPunctuation(tokens[end], '(');
      const isWithName = end === at + 1 && withNames.has(text);
      if (!isFunction && !isWithName && text !== 'set') found.add(name);
      expected = undefined;
      at = end - 1;
      continue;
    }
    if (kind !== 'word') {
      expected = undefined;
      continue;
    }
    if (expected && skippedBeforeName.has(text)) continue;
    expected = introduced(text, { frame, before: tokens[at - 1], beforeThat: tokens[at - 2], first: at === 0, ddl });
    if (verbs.has(text) && (text !== 'update' || expected)) frame.verb = text;
    if (expected === 'source' || (expected && listsTables(text, tokens[at - 1]))) frame.inTables = true;
    else if (endOfTables.has(text)) frame.inTables = false;
  }
  return [...found];
}

/** TRUNCATE a, b and DROP TABLE a, b. */
function listsTables(word: string, before: Token | undefined): boolean {
  return word === 'truncate' || (word === 'table' && (before?.text === 'drop' || before?.text === 'truncate'));
}

interface Place {
  frame: Frame;
  before: Token | undefined;
  beforeThat: Token | undefined;
  first: boolean;
  ddl: boolean;
}

/** What kind of name follows a keyword. */
function introduced(word: string, { frame, before, beforeThat, first, ddl }: Place): 'source' | 'target' | undefined {
  switch (word) {
    case 'from': {
      const distinctFrom = before?.text === 'distinct' && (beforeThat?.text === 'is' || beforeThat?.text === 'not');
      return frame.verb && !distinctFrom ? 'source' : undefined;
    }
    case 'join':
      return 'source';
    case 'using':
      return frame.verb === 'delete' || frame.verb === 'merge' ? 'source' : undefined;
    case 'into':
      return before?.text === 'insert' || before?.text === 'merge' ? 'target' : undefined;
    case 'update':
      return before && beforeClauseUpdate.has(before.text) ? undefined : 'target';
    case 'table':
      return 'target';
    case 'truncate':
    case 'copy':
      return first ? 'target' : undefined;
    case 'on':
      // CREATE INDEX name ON table, CREATE TRIGGER … ON table, GRANT … ON table.
      return ddl && !frame.verb && before?.text !== 'comment' ? 'target' : undefined;
    default:
      return undefined;
  }
}

/** The dotted name that begins at a token, and where it ends. */
function qualifiedAt(tokens: readonly Token[], from: number): { name: string; end: number } {
  const parts: string[] = [];
  let at = from;
  for (;;) {
    const token = tokens[at];
    if (token?.kind !== 'word' && token?.kind !== 'quoted') break;
    parts.push(readableIdentifier(token.text));
    at++;
    if (!isPunctuation(tokens[at], '.')) break;
    at++;
  }
  return { name: parts.join('.'), end: at };
}

function isPunctuation(token: Token | undefined, text: string): boolean {
  return token?.kind === 'punctuation' && token.text === text;
}

/** Names before `AS (` in a statement with WITH: also before `AS [NOT] MATERIALIZED (`, and behind a list of columns. */
function commonTableNames(tokens: readonly Token[]): Set<string> {
  const names = new Set<string>();
  if (!tokens.some(({ kind, text }) => kind === 'word' && text === 'with')) return names;
  const opened: number[] = [];
  let lastOpened = 0;
  for (const [at, token] of tokens.entries()) {
    if (isPunctuation(token, '(')) opened.push(at);
    if (isPunctuation(token, ')')) lastOpened = opened.pop() ?? 0;
    if (token.kind !== 'word' || token.text !== 'as') continue;
    let next = at + 1;
    while (tokens[next]?.text === 'not' || tokens[next]?.text === 'materialized') next++;
    if (!isPunctuation(tokens[next], '(')) continue;
    const name = isPunctuation(tokens[at - 1], ')') ? tokens[lastOpened - 1] : tokens[at - 1];
    if (name?.kind === 'word' || name?.kind === 'quoted') names.add(name.text);
  }
  return names;
}
