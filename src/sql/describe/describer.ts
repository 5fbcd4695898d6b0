import type { StatementDescription, TableName } from '../description.ts';
import { statementPattern } from '../pattern.ts';
import { combinedEffects } from './effects.ts';
import { digest, fingerprintOf } from './fingerprint.ts';
import { type DeclaredFunctions, type Judge, judge } from './functions.ts';
import { recent } from './memory.ts';
import { marksOf } from './marks.ts';
import { normalize, withoutPlaceholders } from './normalize.ts';
import { parse, parserLoaded } from './parser.ts';
import { type Findings, findingsOf } from './statement.ts';
import type { Node } from './tree.ts';

export type Describe = (text: string) => StatementDescription;

/** Longer texts are not parsed: parsing takes about a millisecond for 4,000 characters, and what is that long is data. */
const mostText = 50_000;

/**
 * Makes a function that says what a statement does, by its text and by what is declared here of the application's own functions.
 * It is pure as far as its caller can tell, never throws, and remembers its latest answers (some thousand, up to 8 million
 * characters of texts). Answers are frozen. Until `loadParser()` is done every text is `unknown`, and nothing is remembered.
 */
export function createDescriber(declared: DeclaredFunctions = {}): Describe {
  const judgement = judge(declared);
  const known = recent<StatementDescription>(5000, 4_000_000);
  return (text) => {
    const remembered = known.get(text);
    if (remembered) return remembered;
    const ready = parserLoaded();
    const description = analyse(text, judgement);
    if (ready) known.set(text, description, text.length);
    return description;
  };
}

/** What a statement does, for an application that has declared nothing of its functions. */
export const describe: Describe = createDescriber();

function analyse(text: string, judgement: Judge): StatementDescription {
  if (text.length > mostText) return unknown(text, `it is longer than ${mostText} characters`);
  try {
    const statements = parse(text);
    if (!statements) {
      if (!parserLoaded()) return unknown(text, 'the parser is not loaded, or broke on it');
      return unknown(text, 'it cannot be parsed', fingerprintOfShown(text));
    }
    return Object.freeze({
      ...combined(statements, judgement),
      fingerprint: fingerprintOf(statements),
      normalized: normalize(text, marksOf(statements.map(({ fields }) => fields))),
    });
  } catch (error) {
    // Deeper than our own stack.
    if (error instanceof RangeError) return unknown(text, 'it is nested too deeply');
    throw error;
  }
}

function combined(statements: readonly Node[], judgement: Judge): Findings {
  const findings = statements.map((statement) => findingsOf(statement, judgement));
  const [only] = findings;
  if (only && findings.length === 1) return only;
  return {
    kind: findings.length === 0 ? 'empty' : 'several',
    readOnly: false,
    session: findings.length > 0,
    single: false,
    read: merged(findings.map(({ read }) => read)),
    written: merged(findings.map(({ written }) => written)),
    effects: combinedEffects(
      statements,
      findings.map(({ effects }) => effects),
    ),
    reason: findings.length === 0 ? undefined : 'it is several statements',
  };
}

function merged(lists: readonly (readonly TableName[])[]): readonly TableName[] {
  return Object.freeze([...new Map(lists.flat().map((name) => [JSON.stringify(name), name])).values()]);
}

const none: readonly TableName[] = Object.freeze([]);

/** The most careful answer. */
function unknown(text: string, reason: string, fingerprint?: string): StatementDescription {
  return Object.freeze({
    kind: 'unknown',
    readOnly: false,
    session: true,
    single: false,
    read: none,
    written: none,
    effects: undefined,
    fingerprint: fingerprint ?? digest(statementPattern(text).pattern),
    normalized: normalize(text),
    reason,
  });
}

/** Of a text as pg_stat_statements shows it, with parameters where PostgreSQL's grammar has none. */
function fingerprintOfShown(text: string): string | undefined {
  if (!/\$\d/.test(text)) return undefined;
  for (const substitute of [(number: string) => `'${number}'`, (number: string) => `p${number}`]) {
    const statements = parse(withoutPlaceholders(text, substitute));
    if (statements) return fingerprintOf(statements);
  }
  return undefined;
}
