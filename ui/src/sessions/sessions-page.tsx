import { useState } from 'preact/hooks';
import type { Locks, Session, Sessions } from '../../../src/server/api/sessions.ts';
import { Card } from '../components/card.tsx';
import { CheckField, SearchField } from '../components/filters.tsx';
import { Fold } from '../components/fold.tsx';
import { PageHeader } from '../components/page-header.tsx';
import { Awaited, Empty } from '../components/states.tsx';
import { DataTable } from '../components/table.tsx';
import { databaseUrl } from '../data/api.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { ActionDialog, type PendingAction } from './action-dialog.tsx';
import { BlockingTree } from './blocking-tree.tsx';
import { groupOf, matches, ordered } from './order.ts';
import { sessionColumns } from './session-columns.tsx';
import { Summary } from './summary.tsx';

const live = { on: ['activity'], everyMs: 2000 };

/** Who is connected, what each does and for how long, and who stands in whose way. */
export function SessionsPage() {
  const { query } = useUrl();
  const sessions = useResource<Sessions>(databaseUrl('/sessions', query), live);
  const locks = useResource<Locks>(databaseUrl('/locks', query), live);
  const [pending, setPending] = useState<PendingAction | undefined>(undefined);
  return (
    <>
      <PageHeader title="Sessions & locks" of={sessions} />
      <Awaited of={sessions} lines={12}>
        {(answer) => (
          <>
            {answer.at !== null && <Summary answer={answer} />}
            {locks.data && locks.data.blocked > 0 && (
              <BlockingTree locks={locks.data} enabled={answer.actionsEnabled} act={setPending} />
            )}
            {answer.at === null ? (
              <Card>
                <Empty title="Sessions are not known now">
                  They appear here as soon as the database can be asked again.
                </Empty>
              </Card>
            ) : (
              <SessionList answer={answer} act={setPending} />
            )}
          </>
        )}
      </Awaited>
      {pending && <ActionDialog pending={pending} onClose={() => setPending(undefined)} onDone={sessions.refresh} />}
    </>
  );
}

function SessionList({ answer, act }: { answer: Sessions; act: (action: PendingAction) => void }) {
  const { query } = useUrl();
  const state = query['state'];
  const wait = query['wait'];
  const fitting = ordered(answer.sessions).filter(
    (session) =>
      matches(session, query['search'] ?? '') &&
      (state === undefined || session.state === state) &&
      (wait === undefined || waitOf(session) === wait) &&
      (query['own'] === '1' || !session.own),
  );
  const idle = fitting.filter((session) => groupOf(session) === 'idle');
  const background = fitting.filter((session) => groupOf(session) === 'background');
  const busy = fitting.filter((session) => groupOf(session) !== 'idle' && groupOf(session) !== 'background');
  const columns = sessionColumns(answer.actionsEnabled, act);
  const table = (label: string, rows: Session[]) => (
    <DataTable label={label} columns={columns} rows={rows} rowKey={({ pid }) => pid} />
  );
  return (
    <>
      <div class="filters">
        <SearchField label="Search in sessions" />
        <CheckField name="own" label="With Pitcrew’s own" />
        {!answer.actionsEnabled && (
          <span class="small muted">
            Cancelling and terminating is switched off; the setting <code>actions.sessions</code> enables it.
          </span>
        )}
      </div>
      <Card title={`Active or in a transaction (${busy.length})`} flush>
        {busy.length === 0 ? (
          <Empty title="No session is at work right now">New ones appear here within two seconds.</Empty>
        ) : (
          table('Sessions at work', busy)
        )}
      </Card>
      {idle.length > 0 && (
        <div class="card folded">
          <Fold summary={`Idle (${idle.length})`} open={state === 'idle'}>
            {table('Idle sessions', idle)}
          </Fold>
        </div>
      )}
      {background.length > 0 && (
        <div class="card folded">
          <Fold summary={`The server’s own processes (${background.length})`}>
            {table('Background processes', background)}
          </Fold>
        </div>
      )}
    </>
  );
}

/** The class that a session counts in: an active one that waits for nothing is on the CPU. */
function waitOf(session: Session): string | null {
  return session.state === 'active' ? (session.waitType ?? 'CPU') : null;
}
