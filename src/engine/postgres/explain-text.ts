import { PitcrewError } from '../../errors.ts';

/** What PREPARE takes. */
const plannable = new Set(['SELECT', 'WITH', 'VALUES', 'TABLE', 'INSERT', 'UPDATE', 'DELETE', 'MERGE', '(']);

/** Whether a statement that begins with this word, as `firstWord` gives it, can be planned. */
export function isPlannable(word: string): boolean {
  return plannable.has(word);
}

/**
 * The first word of a statement in capitals, `(` when it begins with a parenthesis, empty when there is nothing. Comments
 * before it are passed over as PostgreSQL does: `--` to the end of the line, `/* … …` nested. Throws `E_BAD_REQUEST`.
 */
export function firstWord(text: string): string {
  if (text.includes('\0')) throw new PitcrewError('E_BAD_REQUEST', 'the statement contains a zero byte');
  let rest = text.trimStart();
  for (;;) {
    if (rest.startsWith('--')) rest = rest.replace(/^--[^\n\r]*/, '').trimStart();
    else if (rest.startsWith('/*')) rest = rest.slice(commentLength(rest)).trimStart();
    else break;
  }
  return /^(\(|\w+)/.exec(rest)?.[0].toUpperCase() ?? rest.slice(0, 1);
}

function commentLength(text: string): number {
  let depth = 0;
  for (const { 0: mark, index } of text.matchAll(/\/\*|\*\//g)) {
    depth += mark === '/*' ? 1 : -1;
    if (depth === 0) return index + 2;
  }
  return text.length;
}

/**
 * pg_stat_statements shows `INTERVAL '1 day'` as `INTERVAL $1`, which is no longer valid: written as a cast it is. What
 * stands in quotes may be changed too, which does not matter to a statement that is never run.
 */
export function literalsAsCasts(text: string): string {
  return text.replace(/\b(interval|date|timestamptz|timestamp|timetz|time)\s+(\$\d+)/gi, '$2::$1');
}
