import { quotedColumn } from './names.ts';

/** `'name'` is ascending. Nulls are where PostgreSQL has them if nothing is said: last, and first where the direction is `desc`. */
export type OrderTerm =
  | string
  | { column: string; direction?: 'asc' | 'desc' | undefined; nulls?: 'first' | 'last' | undefined };

export type OrderBy = OrderTerm | readonly OrderTerm[];

/** A term with nothing left unsaid. */
export interface Order {
  column: string;
  descending: boolean;
  nullsFirst: boolean;
}

export function orderTerms(orderBy: OrderBy | undefined): Order[] {
  const terms = orderBy === undefined ? [] : [orderBy].flat();
  return terms.map((term) => {
    const { column, direction, nulls } =
      typeof term === 'string' ? { column: term } : (term as Exclude<OrderTerm, string>);
    const descending = direction === 'desc';
    return { column, descending, nullsFirst: nulls === undefined ? descending : nulls === 'first' };
  });
}

/** A term of an ORDER BY. */
export function orderSql({ column, descending, nullsFirst }: Order, of: string): string {
  // What is the default is left out, for the reader.
  const nulls = nullsFirst === descending ? '' : ` NULLS ${nullsFirst ? 'FIRST' : 'LAST'}`;
  return `${quotedColumn(of, column)}${descending ? ' DESC' : ''}${nulls}`;
}
