import { createHash } from 'node:crypto';
import { readableIdentifier } from '../../../../sql/index.ts';
import type { HypotheticalIndex, IndexKey, IndexMethod } from '../../../whatif/index.ts';
import type { TableModel } from '../model/types.ts';
import type { Candidate } from './types.ts';

export interface Wanted {
  method?: IndexMethod;
  keys: readonly IndexKey[];
  include?: readonly string[];
  where?: string | undefined;
  /** Columns within expressions and the predicate, beside keys that are columns. */
  columns: readonly string[];
  reason: string;
}

/** A candidate with an id that is made of its definition, so that the same index has the same id in every run. */
export function candidate(table: TableModel, wanted: Wanted): Candidate {
  const { method = 'btree', keys, include = [], where, columns, reason } = wanted;
  const parts = [table.schema, table.name, method, keys.map(keyText), include, where ?? null];
  const id = `pitcrew_${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 20)}`;
  const index: HypotheticalIndex = {
    id,
    schema: table.schema,
    table: table.name,
    method,
    keys,
    include,
    ...(where === undefined ? {} : { where }),
  };
  return Object.freeze({ index, table, columns: [...new Set([...columns, ...include])], reason });
}

/** A key as one text, for comparing. */
export function keyText({ expression, collation, operatorClass, descending, nulls }: IndexKey): string {
  return [
    expression,
    collation,
    operatorClass,
    descending === true ? 'DESC' : undefined,
    nulls === undefined ? undefined : `NULLS ${nulls.toUpperCase()}`,
  ]
    .filter((part) => part !== undefined)
    .join(' ');
}

/** What a key of CREATE INDEX looks like: a column or a call of a function bare, anything else in parentheses. */
export function keyOf(operand: { sql: string; column: string | undefined }): IndexKey {
  if (operand.column !== undefined) return { expression: readableIdentifier(operand.column) };
  const bare = /^(?:[\w.]|"(?:[^"]|"")*")*\(/.test(operand.sql) && closesAtEnd(operand.sql);
  return { expression: bare ? operand.sql : `(${operand.sql})` };
}

/** Whether the first parenthesis is closed by the last one. */
function closesAtEnd(sql: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < sql.length; at++) {
    const character = sql[at];
    if (character === "'") quoted = !quoted;
    if (quoted) continue;
    if (character === '(') depth++;
    if (character === ')' && --depth === 0) return at === sql.length - 1;
  }
  return false;
}

/**
 * An expression in a form in which those of the server and ours can be compared: without casts, parentheses, quotes around
 * names and blanks.
 */
export function plainExpression(expression: string): string {
  return expression
    .replaceAll(/::(?:"[^"]*"|[a-z_ ]+(?:\(\d+(?:,\s*\d+)?\))?(?:\[\])?)/g, '')
    .replaceAll(/[()\s"]/g, '')
    .toLowerCase();
}
