import type { AdviceSummary } from '../../../src/server/api/advice.ts';
import { Share } from '../components/share.tsx';
import { seconds, textOf } from '../format/quantity.ts';

type Progress = NonNullable<AdviceSummary['progress']>;

/** How far a change is: a bar where the server tells it, else the phase in words. */
export function ProgressBar({ progress }: { progress: Progress }) {
  const { ratio, phase, waitsFor } = progress;
  return (
    <span title={waitsFor === null ? phase : `${phase}; waits for ${waitsFor}`}>
      {ratio === null ? <span class="muted">{phase}</span> : <Share of={ratio} />}
    </span>
  );
}

/** The same in full. */
export function ProgressLine({ progress }: { progress: Progress }) {
  const { statement, of, phase, ratio, secondsLeft, waitsFor } = progress;
  return (
    <div class="stack" role="status">
      {ratio !== null && <Share of={ratio} />}
      <p>
        {of > 1 && `Statement ${statement} of ${of}: `}
        {phase}
        {secondsLeft !== null && `, about ${textOf(seconds(secondsLeft))} left`}
      </p>
      {waitsFor !== null && <p class="muted">It waits for {waitsFor}.</p>}
    </div>
  );
}
