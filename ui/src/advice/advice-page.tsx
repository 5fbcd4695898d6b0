import type { AdviceList, AdviceSummary } from '../../../src/server/api/advice.ts';
import { Card } from '../components/card.tsx';
import { SearchField, SelectField } from '../components/filters.tsx';
import { Fold } from '../components/fold.tsx';
import { PageHeader } from '../components/page-header.tsx';
import { Awaited, Empty } from '../components/states.tsx';
import { StatusBadge } from '../components/status.tsx';
import { DataTable } from '../components/table.tsx';
import { databaseUrl } from '../data/api.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { adviceColumns } from './advice-columns.tsx';
import { RunStatus } from './run-status.tsx';

export const onAdvice = { on: ['advice'], everyMs: 1000 };

/** What could be better, what is being done about it, and what came of it. */
export function AdvicePage() {
  const { query } = useUrl();
  const list = useResource<AdviceList>(databaseUrl('/advice', query), onAdvice);
  return (
    <>
      <PageHeader title="Advice" of={list} />
      <Awaited of={list} lines={12}>
        {(answer) => (
          <>
            <RunStatus kind="checks" advisor={answer.advisor} onChange={list.refresh} />
            {!answer.actionsEnabled && <SwitchedOff />}
            <Groups answer={answer} />
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

const groups: readonly { title: string; states: readonly AdviceSummary['state'][] }[] = [
  { title: 'Under way', states: ['applying', 'undoing', 'applied', 'measuring'] },
  { title: 'To be decided', states: ['found', 'planned', 'failed'] },
  { title: 'What came of it', states: ['kept', 'undone'] },
];

function Groups({ answer }: { answer: AdviceList }) {
  const { query, to, here } = useUrl();
  const { search = '', severity, kind } = query;
  const fitting = answer.advice.filter(
    (each) =>
      each.title.toLowerCase().includes(search.toLowerCase()) &&
      (severity === undefined || each.severity === severity) &&
      (kind === undefined || each.kind === kind),
  );
  const columns = adviceColumns(to);
  const table = (label: string, rows: readonly AdviceSummary[]) => (
    <DataTable label={label} columns={columns} rows={rows} rowKey={({ id }) => id} />
  );
  const dismissed = fitting.filter(({ state }) => state === 'dismissed');
  if (answer.advice.length === 0) return <Nothing answer={answer} />;
  return (
    <>
      <div class="filters">
        <SearchField label="Search in advice" />
        <SelectField name="severity" label="Severity" all="Any severity" options={['critical', 'warning', 'info']} />
        <SelectField
          name="kind"
          label="What to do"
          all="Anything to do"
          options={[...new Set(answer.advice.flatMap((each) => (each.kind === '' ? [] : [each.kind])))].toSorted()}
        />
      </div>
      {fitting.length === 0 && (
        <Card>
          <Empty title="No advice fits">
            <a href={here({ search: null, severity: null, kind: null })}>Show all advice</a>
          </Empty>
        </Card>
      )}
      {groups.map(({ title, states }) => {
        const rows = fitting.filter(({ state }) => states.includes(state));
        return (
          rows.length > 0 && (
            <Card key={title} title={`${title} (${rows.length})`} flush class="advice-list">
              {table(title, rows)}
            </Card>
          )
        );
      })}
      {dismissed.length > 0 && (
        <div class="card folded">
          <Fold summary={`Dismissed (${dismissed.length})`}>{table('Dismissed', dismissed)}</Fold>
        </div>
      )}
      <Untold untold={answer.untold} />
    </>
  );
}

function Nothing({ answer: { advisor, untold } }: { answer: AdviceList }) {
  return (
    <>
      <Card>
        {advisor.lastChecks?.endedAt ? (
          <Empty title="Nothing is advised">All checks were asked, and none found anything to do.</Empty>
        ) : (
          <Empty title="The checks were not asked yet">
            They are asked a minute after the start, and then once an hour; or now, by the button above.
          </Empty>
        )}
      </Card>
      <Untold untold={untold} />
    </>
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
