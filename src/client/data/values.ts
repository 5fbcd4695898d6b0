import { prepareValue } from '../pool/driver.ts';
import { quoted } from './names.ts';
import type { Column, Form } from './relation.ts';

/** A value as the server reads it from text. */
export type Text = string | null;

/**
 * Writes a value as `pg` would, and where `pg` does not know the column's type, as that type needs it: arrays and dates for `json`
 * and `jsonb` are written as JSON.
 */
export function textOf(value: unknown, form: Form): Text {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'undefined':
      return null;
    default:
  }
  if (value === null) return null;
  if (form === 'json' && isPlain(value as object)) return JSON.stringify(value);
  const prepared = prepareValue(value);
  if (!(prepared instanceof Uint8Array)) return prepared as Text;
  const bytes = Buffer.from(prepared.buffer, prepared.byteOffset, prepared.byteLength);
  return form === 'bytea' ? `\\x${bytes.toString('hex')}` : bytes.toString('utf8');
}

function isPlain(value: object): boolean {
  return !ArrayBuffer.isView(value) && typeof (value as { toPostgres?: unknown }).toPostgres !== 'function';
}

/** Texts as one array parameter. */
function arrayLiteral(texts: readonly Text[]): string {
  const elements = texts.map((text) => (text === null ? 'NULL' : `"${text.replace(/[\\"]/g, '\\$&')}"`));
  return `{${elements.join(',')}}`;
}

/**
 * Rows as parameters: one array per column, so that the statement's text is the same for any number of rows.
 * @returns a FROM item `given` with the columns `c0`, `c1` … and their position `n`, and how each is read as its column's type
 */
export function unnested(columns: readonly Column[], firstParameter = 1): { from: string; select: string[] } {
  const parameters = columns.map(
    ({ type, inArrays }, i) => `$${firstParameter + i}::${inArrays ? type : 'pg_catalog.text'}[]`,
  );
  const names = columns.map((_, i) => `c${i}`);
  return {
    from: `unnest(${parameters.join(', ')}) WITH ORDINALITY AS given (${[...names, 'n'].join(', ')})`,
    select: columns.map(({ type, inArrays, rounded, collation }, i) => {
      let expression = `given.c${i}`;
      if (!inArrays) expression += `::${type}`;
      if (rounded) expression += `::${rounded}`;
      return collation ? `(${expression} COLLATE ${collation})` : expression;
    }),
  };
}

/** The parameters for `unnested`. */
export function arraysOf(columns: readonly Column[], rows: readonly (readonly Text[])[]): string[] {
  return columns.map((_, i) => arrayLiteral(rows.map((row) => row[i] ?? null)));
}

/** Names of columns as a list. */
export const listed = (columns: readonly Column[], of?: string): string =>
  columns.map(({ name }) => (of === undefined ? quoted(name) : `${of}.${quoted(name)}`)).join(', ');
