import type { StatementDescription, TableName } from '../../../sql/index.ts';

/** As the conventions limit it; it is cut between names. */
const longestSummary = 255;

/**
 * A statement's class in a few words: the operation and its tables, `SELECT orders customers`, `INSERT totals SELECT orders`. By
 * OpenTelemetry's conventions the name of its span. `undefined` when nothing is known.
 */
export function querySummary(description: StatementDescription | undefined): string | undefined {
  if (!description) return undefined;
  const operation = operationOf(description);
  if (operation === undefined) return undefined;
  const written = namesOf(description.written);
  const read = namesOf(description.read).filter((name) => !written.includes(name));
  const reads = written.length > 0 && read.length > 0 && description.kind === 'insert' ? ['SELECT'] : [];
  let summary = operation;
  for (const word of [...written, ...reads, ...read]) {
    if (summary.length + 1 + word.length > longestSummary) break;
    summary += ` ${word}`;
  }
  return summary;
}

/** The first word says it of all that is one statement and can be read. */
function operationOf({ kind, normalized }: StatementDescription): string | undefined {
  if (kind === 'unknown' || kind === 'several' || kind === 'empty') return undefined;
  if (/^(select|insert|update|delete|merge|copy|call|explain)$/.test(kind)) return kind.toUpperCase();
  return /^\s*([a-z]{1,30})\b/i.exec(normalized)?.[1]?.toUpperCase();
}

function namesOf(tables: readonly TableName[]): string[] {
  const names = tables.map(({ schema, name }) => [schema, name].filter((part) => part !== undefined).join('.'));
  return [...new Set(names.map((name) => (/\s/.test(name) ? `"${name}"` : name)))];
}
