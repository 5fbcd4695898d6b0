import { quotedColumn } from '../names.ts';
import type { Order } from '../order.ts';
import type { Position } from './cursor.ts';

/** A condition of SQL, with its parameters. */
export interface Condition {
  sql: string;
  values: string[];
}

/**
 * The condition on rows that come after a position in an order (D. Winand, "We need tool support for keyset pagination"). Where no
 * column can be null and all go the same way it is a comparison of rows, else its long form, in which a bound on the first
 * column still lets an index be used.
 * @param notNull columns that are never null
 * @param firstParameter the number of the first parameter that is free
 */
export function beyond(
  order: readonly Order[],
  { values, inclusive }: Position,
  notNull: ReadonlySet<string>,
  firstParameter: number,
): Condition {
  const parameters: string[] = [];
  const terms = order.map(({ column, descending, nullsFirst }, i) => {
    const value = values[i] ?? null;
    const name = quotedColumn('page', column);
    const nullsFollow = !nullsFirst && !notNull.has(column);
    if (value === null) {
      return {
        name,
        descending,
        same: `${name} IS NULL`,
        later: nullsFirst ? `${name} IS NOT NULL` : undefined,
        bound: undefined,
        value,
      };
    }
    const parameter = `$${firstParameter + parameters.push(value) - 1}`;
    const comparison = descending ? '<' : '>';
    return {
      name,
      descending,
      same: `${name} = ${parameter}`,
      later: nullsFollow
        ? `(${name} ${comparison} ${parameter} OR ${name} IS NULL)`
        : `${name} ${comparison} ${parameter}`,
      bound: nullsFollow ? undefined : `${name} ${comparison}= ${parameter}`,
      value: parameter,
    };
  });
  const [first] = terms;
  const alike = terms.every(({ bound, descending }) => bound !== undefined && descending === first?.descending);
  // A null among the rows makes a comparison of rows null, whatever the other columns say.
  if (alike && order.every(({ column }) => notNull.has(column))) {
    const comparison = `${first?.descending ? '<' : '>'}${inclusive ? '=' : ''}`;
    const sql = `(${terms.map(({ name }) => name).join(', ')}) ${comparison} (${terms.map(({ value }) => value).join(', ')})`;
    return { sql, values: parameters };
  }
  const branches = terms.flatMap(({ later }, i) => {
    if (later === undefined) return [];
    return [[...terms.slice(0, i).map(({ same }) => same), later].join(' AND ')];
  });
  if (inclusive) branches.push(terms.map(({ same }) => same).join(' AND '));
  const any = branches.length === 0 ? 'false' : `(${branches.join(' OR ')})`;
  return { sql: first?.bound === undefined ? any : `${first.bound} AND ${any}`, values: parameters };
}
