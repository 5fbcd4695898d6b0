import { Fold } from './fold.tsx';
import { type Column, DataTable } from './table.tsx';

const shown = 20;

interface LongTableProps<Row> {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
}

/** A table of which what is beyond the first lines is folded away. */
export function LongTable<Row>({ label, rows, ...table }: LongTableProps<Row>) {
  return (
    <>
      <DataTable label={label} rows={rows.slice(0, shown)} {...table} />
      {rows.length > shown && (
        <div class="table-more">
          <Fold summary={`${rows.length - shown} more`}>
            <DataTable label={`${label}, the rest`} rows={rows.slice(shown)} {...table} />
          </Fold>
        </div>
      )}
    </>
  );
}
