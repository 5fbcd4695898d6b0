import type { AdviceList } from '../../../src/server/api/advice.ts';
import { Card } from '../components/card.tsx';
import { Fold } from '../components/fold.tsx';
import { PageHeader } from '../components/page-header.tsx';
import { pageParameters, Pager } from '../components/pager.tsx';
import { Awaited, Empty } from '../components/states.tsx';
import { StatusBadge } from '../components/status.tsx';
import { DataTable } from '../components/table.tsx';
import { LinkTabs } from '../components/tabs.tsx';
import { databaseUrl } from '../data/api.ts';
import { readSort } from '../data/url-state.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { exact } from '../format/quantity.ts';
import { adviceColumns, adviceSorts } from './advice-columns.tsx';
import { AdviceFilters, noFilters } from './advice-filters.tsx';
import { RunStatus } from './run-status.tsx';
import { countIn, viewOf, views } from './views.ts';

export const onAdvice = { on: ['advice'], everyMs: 1000 };

const pageSize = 50;

/** What could be better, what is being done about it, and what came of it; filtered, sorted and paged by the daemon. */
export function AdvicePage() {
  const { query } = useUrl();
  const { search, severity, kind, check } = query;
  const sort = readSort(query['sort'], adviceSorts, { column: 'severity', descending: true });
  const url = databaseUrl('/advice', query, {
    state: viewOf(query).states.join(','),
    search,
    severity,
    kind,
    check,
    ...pageParameters(query, sort, pageSize),
  });
  const list = useResource<AdviceList>(url, onAdvice);
  return (
    <>
      <PageHeader title="Advice" of={list} />
      <Awaited of={list} lines={12}>
        {(answer) => (
          <>
            <RunStatus kind="checks" advisor={answer.advisor} onChange={list.refresh} />
            {!answer.actionsEnabled && <SwitchedOff />}
            {views.every(({ states }) => countIn(answer.counts, states) === 0) ? (
              <Card>
                <NothingYet advisor={answer.advisor} />
              </Card>
            ) : (
              <>
                <LinkTabs label="Advice by state" name="view" tabs={tabsOf(answer)} />
                <AdviceFilters facets={answer.facets} />
                <List answer={answer} />
              </>
            )}
            <Untold untold={answer.untold} />
          </>
        )}
      </Awaited>
    </>
  );
}

export function SwitchedOff() {
  return (
    <p class="small muted">
      Applying and undoing is switched off; the setting <code>actions.advice</code> enables it.
    </p>
  );
}

/** The views, each with how much in it fits the filters. */
function tabsOf({ facets }: AdviceList): { id: string; title: string }[] {
  return views.map(({ id, title, states }) => {
    const count = countIn(facets.states, states);
    return { id, title: count === 0 ? title : `${title} (${exact(count)})` };
  });
}

function List({ answer: { advice, count } }: { answer: AdviceList }) {
  const { query, to } = useUrl();
  const sort = readSort(query['sort'], adviceSorts, { column: 'severity', descending: true });
  const { title } = viewOf(query);
  return (
    <Card flush class="advice-list" foot={count > 0 && <Pager count={count} size={pageSize} noun="finding" />}>
      {count === 0 ? (
        <Nothing />
      ) : (
        <DataTable label={title} columns={adviceColumns(to)} rows={advice} rowKey={({ id }) => id} sort={sort} />
      )}
    </Card>
  );
}

function Nothing() {
  const { query, here } = useUrl();
  const { empty } = viewOf(query);
  if (Object.keys(noFilters).every((name) => query[name] === undefined)) return <Empty title={empty} />;
  return (
    <Empty title="No advice fits these filters">
      <a href={here(noFilters)}>Take the filters away</a>, or look under another state.
    </Empty>
  );
}

function NothingYet({ advisor }: Pick<AdviceList, 'advisor'>) {
  return advisor.lastChecks?.endedAt ? (
    <Empty title="Nothing is advised">All checks were asked, and none found anything to do.</Empty>
  ) : (
    <Empty title="The checks were not asked yet">
      They are asked a minute after the start, and then once an hour; or now, by the button above.
    </Empty>
  );
}

function Untold({ untold }: Pick<AdviceList, 'untold'>) {
  if (untold.length === 0) return null;
  return (
    <div class="card folded">
      <Fold summary={`Could not be told (${untold.length})`}>
        <ul class="untold">
          {untold.map(({ check, title, message }) => (
            <li key={check}>
              <StatusBadge tone="unknown" plain>
                {title}
              </StatusBadge>
              <span class="muted">{message}</span>
            </li>
          ))}
        </ul>
      </Fold>
    </div>
  );
}
