import { Card } from '../components/card.tsx';
import { Icon } from '../components/icon.tsx';
import { Empty, ErrorState, Loading } from '../components/states.tsx';
import { PlanView } from './plan-view.tsx';
import { useAnalyze } from './use-analyze.ts';

/** The plan of a statement, made when asked for; the statement is not run. */
export function Plan({ id }: { id: number }) {
  const { state, ask } = useAnalyze();
  const explain = () => void ask({ id });
  const button = (
    <button type="button" class="button" disabled={state.step === 'asking'} onClick={explain}>
      <Icon name="queries" />
      {state.step === 'done' ? 'Explain again' : 'Explain'}
    </button>
  );
  return (
    <Card title="Plan" actions={button}>
      <div aria-live="polite">
        {state.step === 'none' && (
          <Empty title="The planner is asked when you want it">
            EXPLAIN plans the statement on the watched database without running it.
          </Empty>
        )}
        {state.step === 'asking' && <Loading lines={5} label="Planning" />}
        {state.step === 'failed' && <ErrorState failure={state.failure} retry={explain} />}
        {state.step === 'done' && <PlanView answer={state.answer} />}
      </div>
    </Card>
  );
}
