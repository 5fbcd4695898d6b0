import { useState } from 'preact/hooks';
import type { Session } from '../../../src/server/api/sessions.ts';
import { CodeBlock } from '../components/code.tsx';
import { Dialog } from '../components/dialog.tsx';
import { say } from '../components/toast.tsx';
import { databaseUrl } from '../data/api.ts';
import { failureText, request } from '../data/client.ts';
import { useUrl } from '../data/use-url.ts';
import { seconds, textOf } from '../format/quantity.ts';

export interface PendingAction {
  action: 'cancel' | 'terminate';
  session: Session;
}

const words = {
  cancel: {
    button: 'Cancel',
    title: 'Cancel the statement of',
    confirm: 'Cancel the statement',
    done: 'was told to cancel its statement',
  },
  terminate: { button: 'Terminate', title: 'Terminate', confirm: 'Terminate the session', done: 'was terminated' },
} as const;

const explanations = {
  cancel: 'The running statement ends with an error and its transaction is aborted; the session stays connected.',
  terminate:
    'The connection is closed. An open transaction is rolled back, its locks are released, and the application sees a lost connection.',
} as const;

/** Why an action cannot be taken; `undefined` when it can. */
function refusal({ session, action }: PendingAction, enabled: boolean): string | undefined {
  if (!enabled) return 'Switched off: the setting actions.sessions enables it';
  if (session.own) return 'This is a session of Pitcrew’s own';
  if (session.backendType !== 'client backend') return 'This is a process of the server’s own';
  if (action === 'cancel' && session.state !== 'active') return 'No statement is running';
  return undefined;
}

/** Buttons of one session; what cannot be done says why. */
export function ActionButtons({
  session,
  enabled,
  act,
}: {
  session: Session;
  enabled: boolean;
  act: (action: PendingAction) => void;
}) {
  return (
    <span class="actions">
      {(['cancel', 'terminate'] as const).map((action) => {
        const reason = refusal({ session, action }, enabled);
        return (
          <button
            key={action}
            type="button"
            class="button button-small"
            disabled={reason !== undefined}
            title={reason}
            aria-label={`${words[action].button} session ${session.pid}${reason === undefined ? '' : ` (${reason})`}`}
            onClick={() => act({ action, session })}
          >
            {words[action].button}
          </button>
        );
      })}
    </span>
  );
}

/** Asks once more, naming whom it hits and what happens. */
export function ActionDialog({
  pending,
  onClose,
  onDone,
}: {
  pending: PendingAction;
  onClose: () => void;
  onDone: () => void;
}) {
  const { query } = useUrl();
  const [busy, setBusy] = useState(false);
  const { session, action } = pending;
  const word = words[action];
  const confirm = async () => {
    setBusy(true);
    try {
      const { done } = await request<{ done: boolean }>(databaseUrl(`/sessions/${session.pid}/${action}`, query), {
        method: 'POST',
      });
      if (done) say('ok', `Session ${session.pid} ${word.done}.`);
      else say('warning', `Session ${session.pid} was gone already.`);
    } catch (thrown) {
      say('critical', failureText(thrown));
    }
    onDone();
    onClose();
  };
  return (
    <Dialog
      title={`${word.title} session ${session.pid}?`}
      onClose={onClose}
      actions={
        <>
          <button type="button" class="button" autofocus onClick={onClose}>
            Keep it
          </button>
          <button type="button" class="button button-danger" disabled={busy} onClick={() => void confirm()}>
            {word.confirm}
          </button>
        </>
      }
    >
      <p>{explanations[action]}</p>
      <dl class="facts">
        <div>
          <dt>User</dt>
          <dd>
            {session.user}@{session.database}
          </dd>
        </div>
        <div>
          <dt>Application</dt>
          <dd>{session.application || '–'}</dd>
        </div>
        <div>
          <dt>State</dt>
          <dd>
            {session.state}, transaction {textOf(seconds(session.transactionSeconds))}
          </dd>
        </div>
      </dl>
      <CodeBlock text={session.query || '(no statement)'} label="Statement of the session" wrap />
    </Dialog>
  );
}
