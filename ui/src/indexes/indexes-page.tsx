import type { IndexAnalysis } from '../../../src/server/api/indexes.ts';
import { onAdvice } from '../advice/advice-page.tsx';
import { RunStatus } from '../advice/run-status.tsx';
import { Card } from '../components/card.tsx';
import { SearchField } from '../components/filters.tsx';
import { PageHeader } from '../components/page-header.tsx';
import { Pager } from '../components/pager.tsx';
import { Awaited, Empty } from '../components/states.tsx';
import { databaseUrl } from '../data/api.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { Choice } from './choice.tsx';
import { TableIndexes } from './table-indexes.tsx';

const pageSize = 20;

/** Indexes table by table, with what is wrong and what would help, and the choice for the whole workload. */
export function IndexesPage() {
  const { query, here } = useUrl();
  const page = Math.max(1, Number(query['page'] ?? 1) || 1);
  const analysis = useResource<IndexAnalysis>(
    databaseUrl('/indexes/analysis', query, {
      search: query['search'],
      limit: pageSize,
      offset: (page - 1) * pageSize,
    }),
    onAdvice,
  );
  return (
    <>
      <PageHeader title="Indexes" of={analysis} />
      <Awaited of={analysis} lines={12}>
        {(answer) => (
          <>
            <RunStatus kind="indexes" advisor={answer.advisor} onChange={analysis.refresh} />
            <Choice choice={answer.choice} />
            <div class="filters">
              <SearchField label="Search by table" />
            </div>
            {answer.tables.length === 0 && (
              <Card>
                {query['search'] === undefined ? (
                  <Empty title="No table has an index">Indexes appear here as soon as there are any.</Empty>
                ) : (
                  <Empty title="No table has such a name">
                    <a href={here({ search: null, page: null })}>Show all tables</a>
                  </Empty>
                )}
              </Card>
            )}
            {answer.tables.map((table) => (
              <TableIndexes key={`${table.schema}.${table.name}`} table={table} />
            ))}
            {answer.count > pageSize && (
              <Card>
                <Pager count={answer.count} size={pageSize} noun="table" />
              </Card>
            )}
          </>
        )}
      </Awaited>
    </>
  );
}
