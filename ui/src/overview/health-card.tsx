import type { Dashboard, Health } from '../../../src/server/api/performance.ts';
import { Card } from '../components/card.tsx';
import { Fold } from '../components/fold.tsx';
import { StatusBadge } from '../components/status.tsx';
import { useUrl } from '../data/use-url.ts';
import { digits, percent, textOf } from '../format/quantity.ts';
import { whereToLook } from './where.ts';

type Verdict = Dashboard['verdicts'][number];

const points = (lost: number) => `−${digits(Math.round(lost * 10) / 10)}\u00A0${lost === 1 ? 'point' : 'points'}`;

/** The verdicts in plain sentences, what is wrong first, beside the score and where its points went. */
export function HealthCard({ health, verdicts }: { health: Health; verdicts: readonly Verdict[] }) {
  const lost = new Map(health.checks.map((check) => [check.id, check.pointsLost]));
  const wrong = verdicts
    .filter(({ status }) => status === 'critical' || status === 'warning')
    .toSorted((a, b) => (lost.get(b.check) ?? 0) - (lost.get(a.check) ?? 0));
  const unknown = verdicts.filter(({ status }) => status === 'unknown');
  const fine = verdicts.filter(({ status }) => status === 'ok');
  return (
    <Card title="Health" class="health">
      <div class="health-body">
        <Score health={health} />
        <div class="verdicts">
          {wrong.length === 0 && (
            <p class="all-fine">
              <StatusBadge tone={fine.length > 0 ? 'ok' : 'unknown'} />
              <strong>
                {fine.length > 0 ? 'Nothing is wrong with what could be judged.' : 'Nothing could be judged yet.'}
              </strong>
            </p>
          )}
          <VerdictList verdicts={wrong} lost={lost} />
          {unknown.length > 0 && (
            <Fold summary={`Could not be told (${unknown.length})`} open={wrong.length === 0}>
              <VerdictList verdicts={unknown} lost={lost} />
            </Fold>
          )}
          {fine.length > 0 && (
            <Fold summary={`Fine (${fine.length})`}>
              <VerdictList verdicts={fine} lost={lost} />
            </Fold>
          )}
        </div>
      </div>
    </Card>
  );
}

function VerdictList({ verdicts, lost }: { verdicts: readonly Verdict[]; lost: ReadonlyMap<string, number> }) {
  const { to } = useUrl();
  return (
    <ul class="verdict-list">
      {verdicts.map((verdict) => {
        const place = verdict.status === 'ok' ? undefined : whereToLook(verdict.check);
        const cost = lost.get(verdict.check) ?? 0;
        return (
          <li key={verdict.check + verdict.text} class="verdict">
            <StatusBadge tone={verdict.status} />
            <div>
              <p class={verdict.status === 'ok' ? undefined : 'verdict-text'}>{verdict.text}</p>
              {verdict.advice !== null && <p class="muted">{verdict.advice}</p>}
            </div>
            <div class="verdict-end">
              {cost > 0 && <span class="verdict-points">{points(cost)}</span>}
              {place && <a href={to(place.path, place.patch)}>{place.words}</a>}
            </div>
          </li>
        );
      })}
    </ul>
  );
}

const tones = { healthy: 'ok', warning: 'warning', critical: 'critical', unknown: 'unknown' } as const;
const words = { healthy: 'Healthy', warning: 'Needs attention', critical: 'In trouble', unknown: 'Not known' } as const;

function Score({ health }: { health: Health }) {
  const costly = health.checks
    .filter(({ pointsLost }) => pointsLost > 0)
    .toSorted((a, b) => b.pointsLost - a.pointsLost);
  const tone = tones[health.status];
  return (
    <div class="score">
      <div class="score-head">
        <span
          class={`grade tone-${tone}`}
          role="img"
          aria-label={health.grade === null ? 'No grade' : `Grade ${health.grade}`}
        >
          {health.grade ?? '–'}
        </span>
        <div>
          <p class="score-number">
            {health.score === null ? '–' : Math.round(health.score)}
            <span class="unit">of 100</span>
          </p>
          <StatusBadge tone={tone} plain>
            {words[health.status]}
          </StatusBadge>
        </div>
      </div>
      {costly.length > 0 && (
        <dl class="score-why" aria-label="Why not 100">
          {costly.map((check) => (
            <div key={check.id}>
              <dt>{check.title}</dt>
              <dd>−{digits(Math.round(check.pointsLost * 10) / 10)}</dd>
            </div>
          ))}
        </dl>
      )}
      {health.known < 0.995 && (
        <p class="small muted">
          {textOf(percent(health.known))} of the checks, by weight, could be judged. What is not known does not count as
          good.
        </p>
      )}
    </div>
  );
}
