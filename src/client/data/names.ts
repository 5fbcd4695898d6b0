import { PitcrewError } from '../../errors.ts';

/** `'orders'`, `'shop.orders'`, or in parts where a name has a dot in it. Taken letter by letter: `'Orders'` is not `orders`. */
export type TableReference = string | { schema?: string | undefined; name: string };

/** A name as SQL takes it whatever is in it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A column of something that has a name in the statement. */
export function quotedColumn(of: string, column: string): string {
  return `${of}.${quoted(column)}`;
}

/** A table's name as SQL takes it, and found along the search path when no schema is named. */
export function quotedTable(table: TableReference): string {
  const parts =
    typeof table === 'string' ? table.split('.') : [table.schema, table.name].filter((part) => part !== undefined);
  if (parts.length > 2 || parts.some((part) => part === '')) {
    throw new PitcrewError('E_USAGE', `${JSON.stringify(table)} cannot name a table`, {
      hint: "Give 'table', 'schema.table', or { schema, name } where a name has a dot in it.",
    });
  }
  return parts.map(quoted).join('.');
}

/** A part of a statement that someone else wrote, which may end with a comment. */
export function bracketed(sql: string): string {
  return `(${sql}\n)`;
}
