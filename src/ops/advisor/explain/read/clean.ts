import { stripVTControlCharacters } from 'node:util';

/** Deeper indentation is no plan's. */
const mostIndent = 1000;

/**
 * Lines of a plan as EXPLAIN wrote them, without what psql, pgAdmin, logs, mails and chats put around them. Long runs of spaces within a
 * line are shortened, so that what reads the lines takes time in proportion to their length.
 */
export function planLines(text: string): string[] {
  const lines = stripVTControlCharacters(text)
    .replaceAll('\r', '')
    .replaceAll('\u00A0', ' ')
    .replaceAll('\t', '        ')
    .split('\n')
    .map((line) => bounded(line));
  const plain = withoutContinuation(lines.map((line) => withoutQuotes(withoutFrame(line))));
  return plain.filter((line) => !isDecoration(line)).map((line) => line.trimEnd());
}

function bounded(line: string): string {
  const text = line.trimStart();
  return ' '.repeat(Math.min(mostIndent, line.length - text.length)) + text.trimEnd().replaceAll(/ {100,}/g, ' ');
}

/** `> ` of mails, `| … |` of tables and psql's frames. */
function withoutFrame(line: string): string {
  const quoted = line.replace(/^(?: {0,3}>(?! {0,3}\(|=) ?)+/, '');
  const text = quoted.trim();
  if (!/^[|│]/.test(text)) return quoted;
  return text.slice(1, text.length > 1 && /[|│]$/.test(text) ? -1 : undefined);
}

/** A line in quotes, as from a CSV file or pgAdmin; quotes within are doubled there. */
function withoutQuotes(line: string): string {
  const trimmed = line.trim();
  const text = trimmed.endsWith(',') ? trimmed.slice(0, -1).trimEnd() : trimmed;
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return line;
  const inside = text.slice(1, -1);
  const isJson = /^[^"]*"\s*:/.test(inside);
  return !isJson && /->|cost=|actual|: |^ *[A-Z]/.test(inside) ? inside.replaceAll('""', '"') : line;
}

/** psql ends each line of a cell but the last with `+`, all in one column. */
function withoutContinuation(lines: readonly string[]): string[] {
  const isMarked = (line: string): boolean => line.endsWith(' +') || line === '+';
  const marked = lines.filter((line) => isMarked(line.trimEnd())).length;
  if (marked < 2 && !(marked === 1 && lines.length <= 6)) return [...lines];
  return lines.map((line) => {
    const text = line.trimEnd();
    return text.endsWith('+') ? text.slice(0, -1).trimEnd() : text;
  });
}

function isDecoration(line: string): boolean {
  const text = line.trim();
  return (
    text === '' ||
    /^"?QUERY PLAN"?$/i.test(text) ||
    /^[-=─━┌┐└┘├┤┬┴┼+╭╮╰╯ ]+$/.test(text) ||
    /^\(\d+ (?:rows?|Zeilen?|lignes?|filas?|строк[аи]?)\)$/i.test(text) ||
    /^`{3}\w*$/.test(text) ||
    /^Time: [\d.,]+ ms/.test(text)
  );
}
