import { fold, foldLists, joinPieces } from './fold.ts';
import { kindOf, type StatementKind } from './kind.ts';
import { tablesOf } from './tables.ts';
import { tokenize } from './tokens.ts';

export interface StatementPattern {
  /** The statement with `?` for values, one for a list of them; on one line. */
  pattern: string;
  kind: StatementKind;
  /** Tables that it names, in order of appearance. */
  tables: string[];
}

/** Longer ones are cut with `…`: what differs only behind that is one pattern. */
const mostPattern = 10_000;
/** Beyond this nothing is read; a statement of that size is data. */
const mostText = 1_000_000;

/** Texts of up to 20,000 characters are remembered, 5,000 of them (as many as pg_stat_statements keeps by default). */
const mostRemembered = 5000;
const mostRememberedText = 20_000;
const remembered = new Map<string, StatementPattern>();

/**
 * The shape of a statement, by which statements are grouped: the same for statements that differ in values, numbers of
 * placeholders, lengths of IN, ARRAY and VALUES lists, white space, comments and the case of what is not quoted. Takes any
 * text, also cut off or no SQL at all; never throws. Remembers its latest answers.
 */
export function statementPattern(text: string): StatementPattern {
  const known = remembered.get(text);
  if (known) {
    // A Map keeps the order of insertion: what was just used goes to the end.
    remembered.delete(text);
    remembered.set(text, known);
    return known;
  }
  const answer = Object.freeze(analyse(text));
  if (text.length <= mostRememberedText) {
    remembered.set(text, answer);
    if (remembered.size > mostRemembered) {
      const oldest = remembered.keys().next();
      if (!oldest.done) remembered.delete(oldest.value);
    }
  }
  return answer;
}

function analyse(text: string): StatementPattern {
  const tokens = tokenize(text.slice(0, mostText));
  return {
    pattern: joinPieces(foldLists(fold(tokens)), mostPattern),
    kind: kindOf(tokens),
    tables: tablesOf(tokens),
  };
}
