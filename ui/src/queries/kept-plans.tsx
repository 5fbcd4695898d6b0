import { useState } from 'preact/hooks';
import type { QueryPlans } from '../../../src/server/api/plans.ts';
import type { QueryDetail } from '../../../src/server/api/queries.ts';
import { Card } from '../components/card.tsx';
import { Awaited, Empty } from '../components/states.tsx';
import { StatusBadge } from '../components/status.tsx';
import { Time } from '../components/value.tsx';
import { databaseUrl } from '../data/api.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { digits, milliseconds, textOf } from '../format/quantity.ts';
import { verdicts } from './plan-marks.ts';
import { PlanView } from './plan-view.tsx';

type Plans = Pick<QueryDetail, 'plans' | 'planChanges' | 'slowerSince'>;
type Change = Plans['planChanges'][number];

/** Plans that a statement has or had, and what their changes did to it. */
export function KeptPlans({ id, answer: { plans, planChanges } }: { id: number; answer: Plans }) {
  const [shown, setShown] = useState<string | null>(null);
  // Of a statement that is not among the busiest none are kept.
  if (plans.length === 0) return null;
  const title = (shape: string): string =>
    `Plan ${names[plans.findIndex((plan) => plan.shape === shape)] ?? 'of before'}`;
  return (
    <Card title="Plans over time" note="Generic plans of the busiest statements, looked at every few minutes">
      <div class="stack">
        {planChanges.length > 0 && (
          <ul class="findings" aria-label="Changes of plan">
            {planChanges.slice(0, 5).map((change) => (
              <ChangeItem key={change.at} change={change} from={title(change.from)} to={title(change.to)} />
            ))}
          </ul>
        )}
        <ul class="kept-plans" aria-label="Plans">
          {plans.map(({ shape, current, firstSeen, lastSeen, totalCost, outline }) => (
            <li key={shape}>
              <button
                type="button"
                class="button button-small"
                aria-expanded={shown === shape}
                onClick={() => setShown(shown === shape ? null : shape)}
              >
                {title(shape)}
              </button>
              <span class="kept-outline" title={outline.map(({ label }) => label).join(' › ')}>
                {outline.map(({ label }) => label).join(' › ')}
              </span>
              <span class="small muted">
                {current && <StatusBadge tone="info">Now</StatusBadge>} cost {digits(totalCost)}, seen from{' '}
                <Time at={firstSeen} /> to <Time at={lastSeen} />
              </span>
            </li>
          ))}
        </ul>
        {shown !== null && <KeptPlan id={id} shape={shown} />}
      </div>
    </Card>
  );
}

const names = [...'ABCDEFGHIJ'];

function ChangeItem({
  change: { at, seenBefore, verdict, before, after },
  from,
  to,
}: {
  change: Change;
  from: string;
  to: string;
}) {
  const means = before.meanMs !== null && after.meanMs !== null;
  return (
    <li>
      <StatusBadge tone={verdicts[verdict].tone}>{verdicts[verdict].word}</StatusBadge>
      <div>
        <p>
          From {from} to {to} at <Time at={at} />
          {means && `: ${textOf(milliseconds(before.meanMs))} before, ${textOf(milliseconds(after.meanMs))} after`}
        </p>
        <p class="small muted">
          The former plan was last seen at <Time at={seenBefore} />. Calls measured: {before.calls} before,{' '}
          {after.calls} after.
        </p>
      </div>
    </li>
  );
}

/** The tree of one of them. */
function KeptPlan({ id, shape }: { id: number; shape: string }) {
  const { query } = useUrl();
  const plans = useResource<QueryPlans>(databaseUrl(`/queries/${id}/plans`, query));
  return (
    <Awaited of={plans} lines={5}>
      {(answer) => {
        const plan = answer.plans.find((each) => each.shape === shape);
        if (!plan || plan.nodes.length === 0)
          return <Empty title="It was too large to keep">Only its form is known.</Empty>;
        return <PlanView answer={{ ...plan, executed: false, text: null, rewrites: [] }} />;
      }}
    </Awaited>
  );
}
