import type { TopStatements } from '../../ops/monitor/index.ts';
import { paint } from '../output.ts';
import { formatCount, formatMs, formatRatio, oneLine } from './format.ts';
import { renderTable } from './table.ts';

/** The statements that took the most time, one line each. */
export function statementLines(top: TopStatements | undefined, columns: number): string[] {
  if (!top) return [];
  const title = `${paint('bold', 'Top statements')}  ${paint('dim', `by total time ${spanOf(top)}`)}`;
  if (top.statements.length === 0) return [title, '  None was executed.'];
  const lines = renderTable(
    [
      { title: paint('dim', '   share'), align: 'right' },
      { title: paint('dim', 'total'), align: 'right' },
      { title: paint('dim', 'mean'), align: 'right' },
      { title: paint('dim', 'calls'), align: 'right' },
      { title: paint('dim', 'statement') },
    ],
    top.statements.map(({ share, totalMs, meanMs, calls, text, user, queryId }) => [
      formatRatio(share),
      formatMs(totalMs),
      formatMs(meanMs),
      formatCount(calls),
      text === null ? `(hidden: ${user}, query id ${queryId})` : oneLine(text, 10_000),
    ]),
  );
  return [title, ...lines.map((line) => cut(line, columns))];
}

function spanOf({ seconds, since }: TopStatements): string {
  if (seconds !== null) return `in the last ${formatMs(seconds * 1000)}`;
  return since === null ? 'since statistics began' : `since ${since.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** The statement is the last column and takes what room is left. */
function cut(line: string, columns: number): string {
  // Colours are only in the head, which is short.
  return line.length <= columns || line.includes('\u001B') ? line : `${line.slice(0, columns - 1)}…`;
}
