import type { Tables } from '../../../src/server/api/relations.ts';
import { Card } from '../components/card.tsx';
import { SearchField } from '../components/filters.tsx';
import { Freshness, PageHeader } from '../components/page-header.tsx';
import { pageParameters, Pager } from '../components/pager.tsx';
import { RangePicker } from '../components/range-picker.tsx';
import { Awaited, Empty } from '../components/states.tsx';
import { DataTable } from '../components/table.tsx';
import { rangeUrl } from '../data/api.ts';
import { refreshOver } from '../data/refresh.ts';
import { readSort } from '../data/url-state.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { bytes, textOf } from '../format/quantity.ts';
import { Covered } from '../queries/statement-list.tsx';
import { tableColumns, tableSorts } from './table-columns.tsx';

const pageSize = 50;

/** Tables with their sizes, what is read and written in them, and what their upkeep lacks. */
export function TablesPage() {
  const { query, range, to, here } = useUrl();
  const sort = readSort(query['sort'], tableSorts, { column: 'totalBytes', descending: true });
  const url = rangeUrl('/tables', query, range, {
    search: query['search'],
    ...pageParameters(query, sort, pageSize),
  });
  const list = useResource<Tables>(url, refreshOver(range, ['tables']));
  return (
    <>
      <PageHeader title="Tables">
        <RangePicker />
      </PageHeader>
      <div class="filters">
        <SearchField label="Search by name" />
        <Freshness of={list} />
      </div>
      <Card
        flush
        foot={
          list.data &&
          list.data.count > 0 && (
            <>
              <span class="foot-notes">
                <span>Together {textOf(bytes(list.data.totalBytes))}</span>
                <Covered answer={list.data} />
              </span>
              <Pager count={list.data.count} size={pageSize} noun="table" />
            </>
          )
        }
      >
        <Awaited of={list} lines={12}>
          {(answer) =>
            answer.count > 0 ? (
              <DataTable
                label="Tables"
                columns={tableColumns(to)}
                rows={answer.tables}
                rowKey={(row) => `${row.schema}.${row.name}`}
                sort={sort}
              />
            ) : query['search'] === undefined ? (
              <Empty title="No tables were seen yet">
                They are read once a minute; a database without tables stays empty here.
              </Empty>
            ) : (
              <Empty title="No table has such a name">
                <a href={here({ search: null, page: null })}>Show all tables</a>
              </Empty>
            )
          }
        </Awaited>
      </Card>
    </>
  );
}
