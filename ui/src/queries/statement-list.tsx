import type { QueryAnalysis, SlowQueries } from '../../../src/server/api/queries.ts';
import { Card } from '../components/card.tsx';
import { CheckField, SearchField, SelectField } from '../components/filters.tsx';
import { pageParameters, Pager } from '../components/pager.tsx';
import { Awaited, Empty } from '../components/states.tsx';
import { DataTable } from '../components/table.tsx';
import { rangeUrl } from '../data/api.ts';
import { refreshOver } from '../data/refresh.ts';
import { readSort } from '../data/url-state.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { bytes, count, digits, milliseconds, span, textOf } from '../format/quantity.ts';
import { Freshness } from '../components/page-header.tsx';
import { NoStatements } from './no-statements.tsx';
import { statementColumns } from './statement-columns.tsx';

const pageSize = 50;
const sorts = ['totalMs', 'calls', 'meanMs', 'rows', 'sharedRead', 'tempWritten', 'walBytes'] as const;
const blockBytes = 8192;

type Answer = QueryAnalysis | SlowQueries;

/** Every statement of the range, or only the slow ones; filtered, sorted and paged by the daemon. */
export function StatementList({ slow }: { slow: boolean }) {
  const { query, range, to } = useUrl();
  const sort = readSort(query['sort'], sorts, { column: slow ? 'meanMs' : 'totalMs', descending: true });
  const url = rangeUrl(slow ? '/queries/slow' : '/queries/analysis', query, range, {
    search: query['search'],
    user: query['user'],
    databaseName: query['databaseName'],
    own: query['own'] === '1' ? 'include' : undefined,
    ...pageParameters(query, sort, pageSize),
  });
  const list = useResource<Answer>(url, refreshOver(range, ['statements']));
  const { users = [], databases = [] } = list.data?.facets ?? {};
  const totals = list.data && 'totals' in list.data ? list.data.totals : undefined;
  return (
    <>
      <div class="filters">
        <SearchField label="Search in statements" />
        <SelectField name="user" label="User" all="All users" options={users} />
        <SelectField name="databaseName" label="Database of the statement" all="All databases" options={databases} />
        <CheckField name="own" label="With Pitcrew’s own" />
        <Freshness of={list} />
      </div>
      <Card flush foot={list.data && list.data.count > 0 ? <Foot answer={list.data} /> : undefined}>
        <Awaited of={list} lines={12}>
          {(answer) =>
            answer.count === 0 ? (
              <Nothing answer={answer} />
            ) : (
              <DataTable
                label="Statements"
                columns={statementColumns(to, answer.statements).map((column) =>
                  totals ? { ...column, foot: footOf(column.id, totals) } : column,
                )}
                rows={answer.statements}
                rowKey={({ id }) => id}
                sort={sort}
              />
            )
          }
        </Awaited>
      </Card>
    </>
  );
}

/** The sum over all that fit the filters, below its column. */
function footOf(column: string, totals: QueryAnalysis['totals']): string {
  const sums: Record<string, string> = {
    statement: 'All that fit',
    totalMs: textOf(milliseconds(totals.totalMs)),
    time: textOf(milliseconds(totals.totalMs)),
    meanMs: textOf(milliseconds(totals.meanMs)),
    calls: textOf(count(totals.calls)),
    rows: textOf(count(totals.rows)),
    sharedRead: textOf(bytes(totals.sharedRead * blockBytes)),
    tempWritten: textOf(bytes(totals.tempWritten * blockBytes)),
    walBytes: textOf(bytes(totals.walBytes)),
  };
  return sums[column] ?? '';
}

function Foot({ answer }: { answer: Answer }) {
  return (
    <>
      <span class="foot-notes">
        {'thresholdMs' in answer && <span>Slow: a mean of {textOf(milliseconds(answer.thresholdMs))} or more</span>}
        {'ownCost' in answer && <OwnCost cost={answer.ownCost} />}
        <Covered answer={answer} />
      </span>
      <Pager count={answer.count} size={pageSize} noun="statement" />
    </>
  );
}

function OwnCost({ cost }: { cost: QueryAnalysis['ownCost'] }) {
  return (
    <span>
      Pitcrew’s own cost: {textOf(count(cost.calls))} calls, {textOf(milliseconds(cost.totalMs))}
      {cost.msPerSecond !== null && ` (${digits(cost.msPerSecond)} ms per second)`},{' '}
      {textOf(bytes(cost.tempWritten * blockBytes))} of temporary files
    </span>
  );
}

/** Says so when statistics were collected in only a part of the range. */
export function Covered({ answer }: { answer: { from: string; to: string; coveredSeconds: number } }) {
  const length = (Date.parse(answer.to) - Date.parse(answer.from)) / 1000;
  if (answer.coveredSeconds >= length * 0.95) return null;
  return <span>Statistics cover {span(answer.coveredSeconds * 1000)} of this range</span>;
}

function Nothing({ answer }: { answer: Answer }) {
  const { query, here } = useUrl();
  const filtered = ['search', 'user', 'databaseName'].some((name) => query[name] !== undefined);
  if (filtered) {
    return (
      <Empty title="No statement fits these filters">
        <a href={here({ search: null, user: null, databaseName: null, page: null })}>Take the filters away</a>, or
        choose a longer time range.
      </Empty>
    );
  }
  if ('thresholdMs' in answer) {
    return (
      <Empty title="No statement was slow">
        None had a mean of {textOf(milliseconds(answer.thresholdMs))} or more in this range.
      </Empty>
    );
  }
  return <NoStatements />;
}
