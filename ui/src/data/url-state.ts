/** What is chosen lives in the address: range, filters, sort, page, database. Everything here is pure. */

export type Query = Readonly<Record<string, string>>;
export type QueryPatch = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Chosen once and kept when moving to another page. */
const carried = ['database', 'from', 'to'] as const;

/** Applies a change; `null`, `undefined`, `false` and `''` take a key away, so that defaults leave no trace in the address. */
export function patchQuery(query: Query, patch: QueryPatch): Record<string, string> {
  const next: Record<string, string> = { ...query };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || value === undefined || value === '' || value === false) delete next[key];
    else next[key] = value === true ? '1' : String(value);
  }
  return next;
}

/** An address from a path and a query; `:` and `,` stay readable. */
export function address(path: string, query: Query = {}): string {
  const text = new URLSearchParams(query).toString().replaceAll('%3A', ':').replaceAll('%2C', ',');
  return text === '' ? path : `${path}?${text}`;
}

/** The address of another page: database and range go along, filters stay behind. */
export function linkTo(path: string, query: Query, patch: QueryPatch = {}): string {
  const kept = Object.fromEntries(carried.flatMap((key) => (query[key] === undefined ? [] : [[key, query[key]]])));
  return address(path, patchQuery(kept, patch));
}

export interface Sort<Column extends string = string> {
  column: Column;
  descending: boolean;
}

/** Reads `sort=-totalMs`; what is not a column falls back. */
export function readSort<Column extends string>(
  text: string | undefined,
  columns: readonly Column[],
  fallback: Sort<Column>,
): Sort<Column> {
  const name = text?.replace(/^-/, '');
  const column = columns.find((candidate) => candidate === name);
  return column === undefined ? fallback : { column, descending: text?.startsWith('-') ?? false };
}

export function writeSort(sort: Sort): string {
  return `${sort.descending ? '-' : ''}${sort.column}`;
}

/** A click on a column's head: turns the order around, or begins with what one looks for first (the largest number, A). */
export function nextSort(sort: Sort, column: string, numeric: boolean): Sort {
  if (sort.column === column) return { column, descending: !sort.descending };
  return { column, descending: numeric };
}

/** Sorts by a value; unknown ones come last in either direction, equal ones keep their order. */
export function sortRows<Row>(
  rows: readonly Row[],
  valueOf: (row: Row) => number | string | null | undefined,
  descending: boolean,
): Row[] {
  return rows.toSorted((left, right) => {
    const [a, b] = [valueOf(left), valueOf(right)];
    if (a === null || a === undefined) return b === null || b === undefined ? 0 : 1;
    if (b === null || b === undefined) return -1;
    const order = typeof a === 'string' || typeof b === 'string' ? String(a).localeCompare(String(b)) : a - b;
    return descending ? -order : order;
  });
}
