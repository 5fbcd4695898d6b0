import { useState } from 'preact/hooks';
import { Card } from '../components/card.tsx';
import { CodeBlock } from '../components/code.tsx';
import { Icon } from '../components/icon.tsx';
import { ErrorState, Loading } from '../components/states.tsx';
import { isPlanText } from './plan-tree.ts';
import { PlanView } from './plan-view.tsx';
import { useAnalyze } from './use-analyze.ts';

/** A statement or a plan that is pasted: planned, or only read. */
export function ExplainView() {
  const [text, setText] = useState('');
  const { state, ask } = useAnalyze();
  const isPlan = isPlanText(text);
  const explain = () => void ask(isPlan ? { plan: text } : { query: text });
  return (
    <>
      <Card title="Statement or plan">
        <form
          class="stack"
          onSubmit={(event) => {
            event.preventDefault();
            explain();
          }}
        >
          <label class="labelled">
            <span>A statement, or what EXPLAIN (ANALYZE, BUFFERS) gave, as text or JSON</span>
            <textarea
              class="field mono plan-input"
              rows={10}
              spellcheck={false}
              required
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          </label>
          <p class="small muted">
            {isPlan
              ? 'A plan: it is read; the database is not asked.'
              : 'A statement is planned on the watched database, never run.'}
          </p>
          <div>
            <button
              type="submit"
              class="button button-primary"
              disabled={text.trim() === '' || state.step === 'asking'}
            >
              <Icon name="queries" />
              {isPlan ? 'Read the plan' : 'Explain'}
            </button>
          </div>
        </form>
      </Card>
      <div aria-live="polite">
        {state.step === 'asking' && <Loading lines={5} label="Planning" />}
        {state.step === 'failed' && <ErrorState failure={state.failure} retry={explain} />}
        {state.step === 'done' && (
          <Card title="Plan">
            {state.answer.query !== null && !text.startsWith(state.answer.query) && (
              <CodeBlock text={state.answer.query} label="Statement of the plan" wrap />
            )}
            <PlanView answer={state.answer} />
          </Card>
        )}
      </div>
    </>
  );
}
