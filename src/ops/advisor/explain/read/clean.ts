import { stripVTControlCharacters } from 'node:util';

/** Lines of a plan as EXPLAIN wrote them, without what psql, pgAdmin, logs, mails and chats put around them. */
export function planLines(text: string): string[] {
  const lines = stripVTControlCharacters(text).replaceAll('\r', '').replaceAll('\u00A0', ' ').split('\n');
  const plain = withoutContinuation(lines.map((line) => withoutQuotes(withoutFrame(line))));
  return plain.filter((line) => !isDecoration(line)).map((line) => line.trimEnd().replaceAll('\t', '        '));
}

/** `> ` of mails, `| … |` of tables and psql's frames. */
function withoutFrame(line: string): string {
  const quoted = line.replace(/^(?:\s*>(?!\s*\(|=))+ ?/, '');
  const framed = /^\s*[|│](.*?)[|│]?\s*$/s.exec(quoted);
  return framed ? (framed[1] ?? '') : quoted;
}

/** A line in quotes, as from a CSV file or pgAdmin; quotes within are doubled there. */
function withoutQuotes(line: string): string {
  const quoted = /^\s*"(.*)"\s*,?\s*$/s.exec(line);
  if (!quoted || /^\s*"[^"]*"\s*:/.test(line)) return line;
  const inside = quoted[1] ?? '';
  return /(?:->|cost=|actual|:\s|^\s*[A-Z][A-Za-z -]+)/.test(inside) && !/^[^"]*"\s*:/.test(inside)
    ? inside.replaceAll('""', '"')
    : line;
}

/** psql ends each line of a cell but the last with `+`, all in one column. */
function withoutContinuation(lines: readonly string[]): string[] {
  const marked = lines.filter((line) => /\s\+\s*$|^\+$/.test(line)).length;
  if (marked < 2 && !(marked === 1 && lines.length <= 6)) return [...lines];
  return lines.map((line) => line.replace(/\s*\+\s*$/, ''));
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
