import { useState } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import type { AdviceDetail } from '../../../src/server/api/advice.ts';
import { Card } from '../components/card.tsx';
import { CodeBlock } from '../components/code.tsx';
import { PageHeader } from '../components/page-header.tsx';
import { Awaited } from '../components/states.tsx';
import { StatusBadge } from '../components/status.tsx';
import { Time } from '../components/value.tsx';
import { databaseUrl } from '../data/api.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { textOf } from '../format/quantity.ts';
import { actionWords, type AdviceAction, AdviceDialog } from './advice-dialog.tsx';
import { onAdvice, SwitchedOff } from './advice-page.tsx';
import { Affected, Measured } from './measured.tsx';
import { ProgressLine } from './progress-bar.tsx';
import { Changes, History } from './what-was-done.tsx';
import { evidenceText, gainOf, kindWord, severityTone, states } from './words.ts';

/** One piece of advice: what speaks for it, what would be run, what came of it. */
export function AdviceDetailPage() {
  const { params } = useRoute();
  const { query, to } = useUrl();
  const detail = useResource<AdviceDetail>(databaseUrl(`/advice/${params['id'] ?? ''}`, query), onAdvice);
  const [action, setAction] = useState<AdviceAction | undefined>(undefined);
  return (
    <>
      <PageHeader title={detail.data?.title ?? 'Advice'} crumbs={<a href={to('/advice')}>Advice</a>} of={detail} />
      <Awaited of={detail} lines={12}>
        {(advice) => (
          <>
            <State advice={advice} act={setAction} />
            <Reasons advice={advice} />
            <Remedy remedy={advice.remedy} />
            <Measured advice={advice} />
            <Affected affected={advice.affected} />
            <History history={advice.history} />
            <Changes changes={advice.changes} />
            {action && (
              <AdviceDialog
                advice={advice}
                action={action}
                onClose={() => setAction(undefined)}
                onDone={detail.refresh}
              />
            )}
          </>
        )}
      </Awaited>
    </>
  );
}

function State({ advice, act }: { advice: AdviceDetail; act: (action: AdviceAction) => void }) {
  const { state, stateSince, severity, actions, actionsEnabled, progress } = advice;
  return (
    <>
      <div class="advice-state">
        <StatusBadge tone={states[state].tone}>{states[state].word}</StatusBadge>
        <span class="small muted">
          since <Time at={stateSince} />
        </span>
        <StatusBadge tone={severityTone[severity]} plain />
        {actions.map((action) => (
          <button
            key={action}
            type="button"
            class={`button${action === 'apply' ? ' button-primary' : ''}`}
            disabled={!actionsEnabled}
            onClick={() => act(action)}
          >
            {actionWords[action].button}
          </button>
        ))}
      </div>
      {!actionsEnabled && actions.length > 0 && <SwitchedOff />}
      {progress && (
        <Card title="Progress">
          <ProgressLine progress={progress} />
        </Card>
      )}
    </>
  );
}

function Reasons({ advice }: { advice: AdviceDetail }) {
  const { explanation, evidence, kind, check } = advice;
  const gain = gainOf(advice);
  return (
    <Card title="Why" note={check}>
      <div class="stack">
        <p>{explanation}</p>
        <dl class="facts">
          <div>
            <dt>What to do</dt>
            <dd>{kindWord(kind)}</dd>
          </div>
          <div>
            <dt>Gain</dt>
            <dd title={gain.note}>{textOf(gain.of)}</dd>
          </div>
          {evidence.map((each) => (
            <div key={each.label}>
              <dt>{each.label}</dt>
              <dd>{evidenceText(each)}</dd>
            </div>
          ))}
        </dl>
      </div>
    </Card>
  );
}

function Remedy({ remedy }: Pick<AdviceDetail, 'remedy'>) {
  if (!remedy || remedy.fix.length + remedy.undo.length === 0) return null;
  const text = (statements: readonly string[]): string => statements.map((statement) => `${statement};`).join('\n');
  return (
    <Card title="Statements" note={`Risk: ${remedy.risk}`}>
      <div class="stack">
        <CodeBlock text={text(remedy.fix)} label="What is run to apply it" wrap />
        <p class="small muted">
          {remedy.riskDetail}
          {!remedy.appliable && ' Pitcrew does not run this by itself.'}
        </p>
        {remedy.undo.length > 0 && (
          <>
            <p class="small muted">To undo it:</p>
            <CodeBlock text={text(remedy.undo)} label="What is run to undo it" wrap />
          </>
        )}
      </div>
    </Card>
  );
}
