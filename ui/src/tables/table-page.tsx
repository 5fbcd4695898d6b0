import { useMemo } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import type { TableDetail } from '../../../src/server/api/relations.ts';
import { adviceMarks } from '../advice/advice-marks.ts';
import { Card } from '../components/card.tsx';
import { PageHeader } from '../components/page-header.tsx';
import { RangePicker } from '../components/range-picker.tsx';
import { Awaited, Empty } from '../components/states.tsx';
import { DataTable } from '../components/table.tsx';
import { Tile } from '../components/tile.tsx';
import { line, type Trend, Trends } from '../components/trends.tsx';
import { Time, Value } from '../components/value.tsx';
import { rangeUrl } from '../data/api.ts';
import { refreshOver } from '../data/refresh.ts';
import { readSort, sortRows } from '../data/url-state.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { byteChange, bytes, count, exact, percent, rate } from '../format/quantity.ts';
import { Remarks } from './table-columns.tsx';

/** One table: its figures, its indexes, and how both went over the range. */
export function TablePage() {
  const { params } = useRoute();
  const { query, range, to } = useUrl();
  const id = params['id'] ?? '';
  const detail = useResource<TableDetail>(
    rangeUrl(`/tables/${encodeURIComponent(id)}`, query, range),
    refreshOver(range, ['tables']),
  );
  const table = detail.data?.table;
  return (
    <>
      <PageHeader
        title={table ? `${table.schema}.${table.name}` : 'Table'}
        crumbs={<a href={to('/tables')}>Tables</a>}
        of={detail}
      >
        <RangePicker shown={detail.data} />
      </PageHeader>
      <Awaited of={detail} lines={12}>
        {(answer) => (
          <>
            {answer.table.remarks.length > 0 && (
              <Card title="Remarks">
                <Remarks remarks={answer.table.remarks} />
              </Card>
            )}
            <Figures table={answer.table} />
            <Courses answer={answer} />
            <Indexes indexes={answer.indexes} />
            <Upkeep table={answer.table} />
          </>
        )}
      </Awaited>
    </>
  );
}

function Figures({ table }: { table: TableDetail['table'] }) {
  return (
    <ul class="grid grid-tiles grid-tiles-ten" aria-label="Figures of the table">
      <Tile title="Size" value={bytes(table.totalBytes)} hint="With indexes and TOAST" />
      <Tile title="Table" value={bytes(table.heapBytes)} />
      <Tile title="Indexes" value={bytes(table.indexBytes)} />
      <Tile title="TOAST" value={bytes(table.toastBytes)} />
      <Tile title="Growth" value={byteChange(table.growthBytes)} hint="Over the range" />
      <Tile title="Rows" value={count(table.liveRows)} hint={exact(table.liveRows)} />
      <Tile title="Dead rows" value={percent(table.deadRatio)} hint={`${exact(table.deadRows)} rows`} />
      <Tile title="Scans by index" value={percent(table.indexRatio)} />
      <Tile title="Buffer hits" value={percent(table.hitRatio)} />
      <Tile title="HOT updates" value={percent(table.hotRatio)} hint="Updates that needed no new index entries" />
    </ul>
  );
}

function trendsOf({ series }: TableDetail): Trend[] {
  return [
    {
      title: 'Scans',
      format: rate,
      series: [
        line('by index', series.indexScansPerSecond, '--series-1'),
        line('of the whole table', series.seqScansPerSecond, '--series-2'),
      ],
    },
    {
      title: 'Rows written',
      format: rate,
      series: [
        line('inserted', series.insertsPerSecond, '--series-3'),
        line('updated', series.updatesPerSecond, '--series-1'),
        line('deleted', series.deletesPerSecond, '--series-5'),
      ],
    },
    {
      title: 'Rows',
      format: count,
      series: [line('live', series.liveRows, '--series-1'), line('dead', series.deadRows, '--series-5')],
    },
    { title: 'Size', format: bytes, series: [line('with indexes', series.totalBytes, '--series-4')] },
  ];
}

function Courses({ answer }: { answer: TableDetail }) {
  const { to } = useUrl();
  const trends = useMemo(() => trendsOf(answer), [answer]);
  const marks = useMemo(() => adviceMarks(answer.appliedAdvice, to), [answer]);
  return <Trends at={answer.series.at} trends={trends} marks={marks} />;
}

type Index = TableDetail['indexes'][number];

const indexSorts = ['name', 'bytes', 'scans', 'rowsRead', 'rowsFetched', 'hitRatio'] as const;

function Indexes({ indexes }: { indexes: readonly Index[] }) {
  const { query } = useUrl();
  const sort = readSort(query['sort'], indexSorts, { column: 'bytes', descending: true });
  return (
    <Card title={`Indexes (${indexes.length})`} flush>
      {indexes.length === 0 ? (
        <Empty title="This table has no index" />
      ) : (
        <DataTable
          label="Indexes"
          sort={sort}
          rows={sortRows(indexes, (row) => row[sort.column], sort.descending)}
          rowKey={({ name }) => name}
          columns={[
            { id: 'name', title: 'Index', wide: true, cell: (row) => <span class="clip">{row.name}</span> },
            { id: 'bytes', title: 'Size', numeric: true, cell: (row) => <Value of={bytes(row.bytes)} /> },
            {
              id: 'scans',
              title: 'Scans',
              hint: 'In the range',
              numeric: true,
              cell: (row) => <Value of={count(row.scans)} title={exact(row.scans)} />,
            },
            {
              id: 'rowsRead',
              title: 'Entries read',
              numeric: true,
              priority: 'medium',
              cell: (row) => <Value of={count(row.rowsRead)} />,
            },
            {
              id: 'rowsFetched',
              title: 'Rows fetched',
              numeric: true,
              priority: 'medium',
              cell: (row) => <Value of={count(row.rowsFetched)} />,
            },
            {
              id: 'hitRatio',
              title: 'Hits',
              numeric: true,
              priority: 'medium',
              cell: (row) => <Value of={percent(row.hitRatio)} />,
            },
          ]}
        />
      )}
    </Card>
  );
}

function Upkeep({ table }: { table: TableDetail['table'] }) {
  return (
    <Card title="Upkeep">
      <dl class="facts">
        <div>
          <dt>Last vacuum</dt>
          <dd>
            <Time at={table.lastVacuum} relative />
          </dd>
        </div>
        <div>
          <dt>Last analyze</dt>
          <dd>
            <Time at={table.lastAnalyze} relative />
          </dd>
        </div>
        <div>
          <dt>Rows changed since</dt>
          <dd>{exact(table.modifiedSinceAnalyze)}</dd>
        </div>
        <div>
          <dt>Age of the oldest transaction id</dt>
          <dd>{table.frozenXidAge === null ? '–' : exact(table.frozenXidAge)}</dd>
        </div>
        <div>
          <dt>Kind</dt>
          <dd>{table.kind}</dd>
        </div>
      </dl>
    </Card>
  );
}
