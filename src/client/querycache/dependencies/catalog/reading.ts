import type pg from 'pg';

/** What the catalog is read over: a client of `pg`, or what behaves like one. */
export interface CatalogReader {
  query(config: { text: string; values?: unknown[]; types?: pg.CustomTypesConfig }): Promise<{ rows: unknown[] }>;
}

/** A row as the server sent it: everything is text, whatever parsers the application has set. */
export type TextRow = Partial<Record<string, string | null>>;

const asText: pg.CustomTypesConfig = { getTypeParser: () => (value: string) => value };

/** Runs a statement of ours. */
export async function readRows(reader: CatalogReader, text: string, values: string[] = []): Promise<TextRow[]> {
  return (await reader.query({ text, values, types: asText })).rows as TextRow[];
}

export function textIn(row: TextRow, column: string): string {
  return row[column] ?? '';
}

export function numberIn(row: TextRow, column: string): number {
  return Number(row[column] ?? 0);
}

export function trueIn(row: TextRow, column: string): boolean {
  return row[column] === 't';
}

/** Numbers that were joined by commas. */
export function numbersIn(row: TextRow, column: string): readonly number[] {
  const text = row[column];
  return text ? text.split(',').map(Number) : none;
}

const none: readonly number[] = Object.freeze([]);

/** First oid of what was not made by initdb (access/transam.h, FirstNormalObjectId). */
export const firstUserOid = 16384;
