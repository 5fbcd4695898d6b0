import type { QueryPatterns } from '../../../src/server/api/queries.ts';
import { Card } from '../components/card.tsx';
import { CheckField, SearchField } from '../components/filters.tsx';
import type { IconName } from '../components/icon.tsx';
import { Freshness } from '../components/page-header.tsx';
import { Share } from '../components/share.tsx';
import { Sparkline } from '../components/sparkline.tsx';
import { Awaited, Empty } from '../components/states.tsx';
import { StatusBadge, type Tone } from '../components/status.tsx';
import { DataTable, type Column } from '../components/table.tsx';
import { Value } from '../components/value.tsx';
import { rangeUrl } from '../data/api.ts';
import { refreshOver } from '../data/refresh.ts';
import { readSort, sortRows } from '../data/url-state.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { change, count, exact, milliseconds } from '../format/quantity.ts';
import { oneLine } from '../format/sql.ts';
import { NoStatements } from './no-statements.tsx';
import { Covered } from './statement-list.tsx';

type Pattern = QueryPatterns['patterns'][number];

const sorts = ['totalMs', 'meanMs', 'calls', 'rows', 'change'] as const;

const valueOf: Record<(typeof sorts)[number], (row: Pattern) => number | null> = {
  totalMs: (row) => row.totalMs,
  meanMs: (row) => row.meanMs,
  calls: (row) => row.calls,
  rows: (row) => row.rows,
  change: (row) => row.trend.meanChange,
};

/** Statements of one shape together, and how they changed against the range before. */
export function Patterns() {
  const { query, range, to } = useUrl();
  const sort = readSort(query['sort'], sorts, { column: 'totalMs', descending: true });
  const url = rangeUrl('/queries/patterns', query, range, {
    search: query['search'],
    own: query['own'] === '1' ? 'include' : undefined,
    limit: 200,
  });
  const list = useResource<QueryPatterns>(url, refreshOver(range, ['statements']));
  return (
    <>
      <div class="filters">
        <SearchField label="Search in statements" />
        <CheckField name="own" label="With Pitcrew’s own" />
        <Freshness of={list} />
      </div>
      <Card
        flush
        foot={
          list.data &&
          list.data.patterns.length > 0 && (
            <>
              <span>Compared with the range of the same length before</span>
              <Covered answer={list.data} />
            </>
          )
        }
      >
        <Awaited of={list} lines={12}>
          {({ patterns }) =>
            patterns.length === 0 ? (
              <Nothing />
            ) : (
              <DataTable
                label="Patterns"
                columns={patternColumns(to)}
                rows={sortRows(patterns, valueOf[sort.column], sort.descending)}
                rowKey={(row) => row.statements.join()}
                sort={sort}
              />
            )
          }
        </Awaited>
      </Card>
    </>
  );
}

function Nothing() {
  const { query, here } = useUrl();
  if (query['search'] === undefined) return <NoStatements />;
  return (
    <Empty title="No pattern fits this search">
      <a href={here({ search: null })}>Take it away</a>, or choose a longer time range.
    </Empty>
  );
}

function patternColumns(to: (path: string) => string): Column<Pattern>[] {
  return [
    {
      id: 'statement',
      title: 'Pattern',
      sortable: false,
      wide: true,
      cell: (row) => <PatternCell row={row} to={to} />,
    },
    {
      id: 'change',
      title: 'Trend',
      hint: 'Change of the mean time against the range before',
      numeric: true,
      cell: (row) => <Trend trend={row.trend} />,
    },
    { id: 'totalMs', title: 'Total time', numeric: true, cell: (row) => <Share of={row.share} /> },
    { id: 'meanMs', title: 'Mean', numeric: true, cell: (row) => <Value of={milliseconds(row.meanMs)} /> },
    {
      id: 'calls',
      title: 'Calls',
      numeric: true,
      cell: (row) => <Value of={count(row.calls)} title={exact(row.calls)} />,
    },
    {
      id: 'callsChange',
      title: 'Calls changed',
      sortable: false,
      numeric: true,
      priority: 'medium',
      cell: (row) => <Value of={change(row.trend.callsChange)} />,
    },
    {
      id: 'rows',
      title: 'Rows',
      numeric: true,
      priority: 'medium',
      cell: (row) => <Value of={count(row.rows)} title={exact(row.rows)} />,
    },
    {
      id: 'spark',
      title: 'Course',
      sortable: false,
      priority: 'low',
      cell: (row) => (
        <div class="cell-spark">
          <Sparkline points={row.spark} />
        </div>
      ),
    },
  ];
}

function PatternCell({ row, to }: { row: Pattern; to: (path: string) => string }) {
  const [first, ...others] = row.statements;
  const text = oneLine(row.pattern);
  return (
    <>
      {first === undefined ? (
        <span class="statement-link">{text}</span>
      ) : (
        <a class="statement-link" href={to(`/queries/${first}`)} title={text.slice(0, 300)}>
          {text}
        </a>
      )}
      <span class="statement-tags">
        <span>{row.kind}</span>
        {row.tables.length > 0 && <span>{row.tables.join(', ')}</span>}
        {others.length > 0 && <span>{others.length + 1} statements</span>}
      </span>
    </>
  );
}

const trends: Record<
  Exclude<Pattern['trend']['direction'], 'unknown'>,
  { tone: Tone; icon: IconName; word: string }
> = {
  slower: { tone: 'warning', icon: 'trendUp', word: 'Slower' },
  faster: { tone: 'ok', icon: 'trendDown', word: 'Faster' },
  steady: { tone: 'unknown', icon: 'steady', word: 'Steady' },
  new: { tone: 'info', icon: 'sparkle', word: 'New' },
  gone: { tone: 'unknown', icon: 'close', word: 'Gone' },
};

function Trend({ trend }: { trend: Pattern['trend'] }) {
  if (trend.direction === 'unknown') return <span title="Nothing is known of the range before">–</span>;
  const { tone, icon, word } = trends[trend.direction];
  const shown = trend.direction === 'slower' || trend.direction === 'faster' || trend.direction === 'steady';
  return (
    <span class="trend">
      <StatusBadge tone={tone} icon={icon} plain>
        {word}
      </StatusBadge>
      {shown && <Value of={change(trend.meanChange)} />}
    </span>
  );
}
