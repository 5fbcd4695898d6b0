/**
 * The comment by which our own statements are known in pg_stat_statements and pg_stat_activity. It stands after the first
 * word, because PostgreSQL 18 no longer keeps a comment that stands before it.
 */
const marker = '/* pitcrew */';

/** Puts the marker after the first word of a statement, unless it is there. Comments before that word are left out. */
export function marked(sql: string): string {
  const statement = sql.replace(/^(?:\s*--[^\n]*\n)+/, '').trim();
  return statement.replace(/^\w+\b(?! \/\*)/, `$& ${marker}`);
}

/** Whether a statement's text, as the server shows it, is one of Pitcrew's own. */
export function isOwnStatement(text: string): boolean {
  return /^\s*\w+ \/\* pitcrew \*\//.test(text);
}
