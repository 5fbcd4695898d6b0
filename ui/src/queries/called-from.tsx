import type { ApplicationStatementDetail } from '../../../src/server/api/applications.ts';
import { SendReports } from '../applications/send-reports.tsx';
import { Card } from '../components/card.tsx';
import { Fold } from '../components/fold.tsx';
import { Share } from '../components/share.tsx';
import { Empty } from '../components/states.tsx';
import { StatusBadge } from '../components/status.tsx';
import { DataTable, type Column } from '../components/table.tsx';
import { Value } from '../components/value.tsx';
import { count, exact } from '../format/quantity.ts';

type Callers = Pick<ApplicationStatementDetail, 'callSites' | 'scopes' | 'repeated'>;

/** From which lines and in which requests a statement is called, as applications tell. */
export function CalledFrom({ callers, reported }: { callers: Callers; reported: boolean }) {
  if (!reported) return <NotReported />;
  const { callSites, scopes, repeated } = callers;
  const several = new Set([...callSites, ...scopes].map(({ application }) => application)).size > 1;
  return (
    <>
      {repeated.length > 0 && (
        <Card title="Called again and again">
          <div class="verdicts">
            <ul class="verdict-list" aria-label="Repeated calls">
              {repeated.slice(0, 5).map((call) => (
                <li key={`${call.application} ${call.scope} ${call.site}`} class="verdict">
                  <StatusBadge tone="warning" />
                  <div>
                    <p class="verdict-text">{call.message}</p>
                    <p class="muted">{repeatedAdvice}</p>
                  </div>
                  <div class="verdict-end">
                    <span class="muted">{call.application}</span>
                  </div>
                </li>
              ))}
            </ul>
          </div>
        </Card>
      )}
      <div class="grid grid-pair">
        <Card title="Called from" note="Lines of the applications" flush>
          {callSites.length === 0 ? (
            <Empty title="No line is known in this range" />
          ) : (
            <DataTable
              label="Called from"
              rows={callSites}
              rowKey={({ application, site }) => `${application} ${site}`}
              columns={siteColumns(several)}
            />
          )}
        </Card>
        <Card title="Called in" note="Requests and jobs" flush>
          {scopes.length === 0 ? (
            <Empty title="No request is known in this range">
              Requests are told apart where the application uses runInScope or a middleware of Pitcrew.
            </Empty>
          ) : (
            <DataTable
              label="Called in"
              rows={scopes}
              rowKey={({ application, name }) => `${application} ${name}`}
              columns={scopeColumns(several)}
            />
          )}
        </Card>
      </div>
    </>
  );
}

export const repeatedAdvice = 'One statement with = ANY($1), or a join, would often do.';

function NotReported() {
  return (
    <Card title="Called from">
      <p class="muted">No application reports this statement: from which line it is called is not known.</p>
      <Fold summary="How an application reports">
        <div class="stack reports">
          <SendReports />
        </div>
      </Fold>
    </Card>
  );
}

function applicationColumn<Row extends { application: string }>(shown: boolean): Column<Row>[] {
  return shown ? [{ id: 'application', title: 'Application', cell: (row) => row.application }] : [];
}

function siteColumns(several: boolean): Column<Callers['callSites'][number]>[] {
  return [
    {
      id: 'site',
      title: 'Line',
      wide: true,
      cell: (row) => (
        <span class="mono clip" title={row.site}>
          {row.site}
        </span>
      ),
    },
    ...applicationColumn<Callers['callSites'][number]>(several),
    { id: 'share', title: 'Share', numeric: true, cell: (row) => <Share of={row.share} /> },
    {
      id: 'calls',
      title: 'Calls',
      hint: 'By its share: of frequent statements only some calls are looked at',
      numeric: true,
      cell: (row) => <Value of={count(row.calls)} title={exact(row.calls)} />,
    },
  ];
}

function scopeColumns(several: boolean): Column<Callers['scopes'][number]>[] {
  return [
    {
      id: 'name',
      title: 'Request',
      wide: true,
      cell: (row) => (
        <span class="clip" title={row.name}>
          {row.name}
        </span>
      ),
    },
    ...applicationColumn<Callers['scopes'][number]>(several),
    {
      id: 'perRequest',
      title: 'Per request',
      hint: 'Calls per request, on average of those in which it is called',
      numeric: true,
      cell: (row) => <Value of={count(row.perRequest)} />,
    },
    {
      id: 'most',
      title: 'Most',
      hint: 'Calls in one request, at most',
      numeric: true,
      cell: (row) => <Value of={count(row.most)} />,
    },
    {
      id: 'requests',
      title: 'Requests',
      numeric: true,
      cell: (row) => <Value of={count(row.requests)} title={exact(row.requests)} />,
    },
  ];
}
