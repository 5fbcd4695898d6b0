import { useId, useState } from 'preact/hooks';
import type { AdviceDetail, AdvicePreflight, AdviceSummary } from '../../../src/server/api/advice.ts';
import { CodeBlock } from '../components/code.tsx';
import { Dialog } from '../components/dialog.tsx';
import { Awaited } from '../components/states.tsx';
import { StatusBadge } from '../components/status.tsx';
import { say } from '../components/toast.tsx';
import { databaseUrl } from '../data/api.ts';
import { failureText, request } from '../data/client.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { bytes, textOf } from '../format/quantity.ts';
import { states } from './words.ts';

export type AdviceAction = AdviceSummary['actions'][number];

export const actionWords = {
  apply: { button: 'Apply …', title: 'Apply this advice?', confirm: 'Run the statements' },
  undo: { button: 'Undo …', title: 'Bring the former state back?', confirm: 'Run the statements' },
  dismiss: { button: 'Dismiss …', title: 'Dismiss this advice?', confirm: 'Dismiss it' },
  reopen: { button: 'Take up again …', title: 'Take this advice up again?', confirm: 'Take it up' },
} as const;

const explanations = {
  apply:
    'Pitcrew runs the statements one after the other, and writes each down. The statements that it concerns are measured before and after; what does not help is taken back by itself.',
  undo: 'Pitcrew runs the statements one after the other, and writes each down. It is not advised again until much has changed.',
  dismiss: 'It stays out of the way until it becomes graver, or what it would bring doubles.',
  reopen: 'It is among what is to be decided again.',
} as const;

/** Asks once more, with what would be run and what stands against it. */
export function AdviceDialog({
  advice,
  action,
  onClose,
  onDone,
}: {
  advice: AdviceDetail;
  action: AdviceAction;
  onClose: () => void;
  onDone: () => void;
}) {
  const { query } = useUrl();
  const isChange = action === 'apply' || action === 'undo';
  const found = useResource<AdvicePreflight>(
    isChange ? databaseUrl(`/advice/${advice.id}/preflight`, query, { purpose: action }) : undefined,
  );
  const [reason, setReason] = useState('');
  const [sure, setSure] = useState(false);
  const [busy, setBusy] = useState(false);
  const id = useId();
  const word = actionWords[action];
  const doubts = found.data?.doubts ?? [];
  const mayGoOn = !isChange || (found.data?.refusals.length === 0 && (doubts.length === 0 || sure));
  const confirm = async () => {
    setBusy(true);
    try {
      const { state } = await request<AdviceSummary>(databaseUrl(`/advice/${advice.id}/${action}`, query), {
        method: 'POST',
        body: { ...(reason === '' ? {} : { reason }), ...(isChange ? { force: sure } : {}) },
      });
      say('ok', `${states[state].word}.`);
    } catch (thrown) {
      say('critical', failureText(thrown));
    }
    onDone();
    onClose();
  };
  return (
    <Dialog
      title={word.title}
      onClose={onClose}
      actions={
        <>
          <button type="button" class="button" autofocus onClick={onClose}>
            Leave it
          </button>
          <button
            type="submit"
            form={id}
            class={`button ${isChange ? 'button-danger' : 'button-primary'}`}
            disabled={busy || !mayGoOn}
          >
            {word.confirm}
          </button>
        </>
      }
    >
      <p>{explanations[action]}</p>
      {isChange && (
        <Awaited of={found} lines={3}>
          {(answer) => <Inspected answer={answer} advice={advice} sure={sure} onSure={setSure} />}
        </Awaited>
      )}
      <form
        id={id}
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void confirm();
        }}
      >
        <label class="labelled">
          Why (kept with it)
          <input
            class="field"
            type="text"
            maxLength={1000}
            autocomplete="off"
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        </label>
      </form>
    </Dialog>
  );
}

function Inspected({
  answer: { statements, refusals, doubts, needsBytes, freeBytes },
  advice,
  sure,
  onSure,
}: {
  answer: AdvicePreflight;
  advice: AdviceDetail;
  sure: boolean;
  onSure: (sure: boolean) => void;
}) {
  return (
    <>
      <CodeBlock text={statements.map((statement) => `${statement};`).join('\n')} label="What is run" wrap />
      {advice.remedy && <p class="small muted">{advice.remedy.riskDetail}</p>}
      {needsBytes !== null && (
        <p class="small muted">
          About {textOf(bytes(needsBytes))} of disk are needed
          {freeBytes !== null && `, ${textOf(bytes(freeBytes))} are free`}.
        </p>
      )}
      {refusals.map((text) => (
        <p key={text}>
          <StatusBadge tone="critical">Not now</StatusBadge> {text}
        </p>
      ))}
      {doubts.map((text) => (
        <p key={text}>
          <StatusBadge tone="unknown">Not known</StatusBadge> {text}
        </p>
      ))}
      {refusals.length === 0 && doubts.length > 0 && (
        <label class="check">
          <input type="checkbox" checked={sure} onChange={(event) => onSure(event.currentTarget.checked)} />
          Go on all the same
        </label>
      )}
    </>
  );
}
