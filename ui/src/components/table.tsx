import type { ComponentChildren } from 'preact';
import { useUrl } from '../data/use-url.ts';
import { nextSort, writeSort, type Sort } from '../data/url-state.ts';
import { Icon } from './icon.tsx';

export interface Column<Row> {
  id: string;
  title: string;
  /** Said in full on the head's title, where the head is short. */
  hint?: string;
  numeric?: boolean;
  sortable?: boolean;
  /** The first click sorts the largest (gravest, youngest) first, as with what is `numeric`. */
  largestFirst?: boolean;
  /** `low` goes in a middling table, `medium` in a narrow one. */
  priority?: 'high' | 'medium' | 'low';
  /** Stays where rows are cards (phones), whatever its priority. */
  inCards?: boolean;
  /** Needs no title to be understood where rows are cards; beside the row's name when it is next to it. */
  bare?: boolean;
  /** Takes the room that is left and cuts off what is too long. */
  wide?: boolean;
  wrap?: boolean;
  cell: (row: Row) => ComponentChildren;
  foot?: ComponentChildren;
}

interface TableProps<Row> {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string | number;
  /** The order shown; a click on a head writes `sort=` into the address. */
  sort?: Sort;
}

function classOf<Row>(column: Column<Row>): string | undefined {
  const names = [
    column.numeric && 'end',
    column.wide && 'wide',
    column.wrap && 'wrap',
    column.bare && 'bare',
    column.inCards && 'in-cards',
    column.priority !== 'high' && column.priority,
  ].filter((name) => typeof name === 'string');
  return names.length === 0 ? undefined : names.join(' ');
}

/**
 * The one table: scrolls sideways on its own, its first column stays, numbers are aligned at the end. Where there is no
 * room for columns its rows are cards; the roles say that it is a table all the same, which browsers forget otherwise.
 */
export function DataTable<Row>({ label, columns, rows, rowKey, sort }: TableProps<Row>) {
  const hasFoot = columns.some((column) => column.foot !== undefined);
  return (
    <div class="table-scroll" role="group" aria-label={label} tabIndex={0}>
      <table class={sort ? 'table table-sorted' : 'table'} role="table">
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <Head key={column.id} column={column} sort={sort} />
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={rowKey(row)} role="row">
              {columns.map((column, index) =>
                index === 0 ? (
                  <th key={column.id} scope="row" role="rowheader" class={classOf(column)}>
                    {column.cell(row)}
                  </th>
                ) : (
                  <td key={column.id} role="cell" class={classOf(column)} data-title={column.title}>
                    {column.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
        {hasFoot && (
          <tfoot role="rowgroup">
            <tr role="row">
              {columns.map((column) => (
                <td key={column.id} role="cell" class={classOf(column)} data-title={column.foot ? column.title : ''}>
                  {column.foot}
                </td>
              ))}
            </tr>
          </tfoot>
        )}
      </table>
    </div>
  );
}

function Head<Row>({ column, sort }: { column: Column<Row>; sort: Sort | undefined }) {
  const { set } = useUrl();
  if (!sort || column.sortable === false) {
    return (
      <th scope="col" role="columnheader" class={classOf(column)} title={column.hint}>
        {column.title}
      </th>
    );
  }
  const order = sort.column === column.id ? (sort.descending ? 'descending' : 'ascending') : undefined;
  const largestFirst = column.largestFirst ?? column.numeric ?? false;
  const click = () => set({ sort: writeSort(nextSort(sort, column.id, largestFirst)), page: null }, { replace: true });
  return (
    <th scope="col" role="columnheader" class={classOf(column)} aria-sort={order} title={column.hint}>
      <button type="button" onClick={click}>
        {column.title}
        <Icon name="arrowDown" size={12} />
      </button>
    </th>
  );
}
