import { useRoute } from 'preact-iso';
import type { BackupRunDetail } from '../../../src/server/api/backups.ts';
import { Card } from '../components/card.tsx';
import { PageHeader } from '../components/page-header.tsx';
import { Awaited, Empty } from '../components/states.tsx';
import { StatusBadge } from '../components/status.tsx';
import { Time, Value } from '../components/value.tsx';
import { databaseUrl } from '../data/api.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { byteRate, bytes, milliseconds } from '../format/quantity.ts';
import { moment, utc } from '../format/time.ts';
import { kinds, onBackups, states, tookMs } from './words.ts';

/** One run, with all that it told. */
export function RunPage() {
  const { params } = useRoute();
  const { query, to } = useUrl();
  const detail = useResource<BackupRunDetail>(databaseUrl(`/backups/runs/${params['id'] ?? ''}`, query), onBackups);
  const title = detail.data ? kinds[detail.data.kind] : 'Run';
  return (
    <>
      <PageHeader title={title} crumbs={<a href={to('/backups')}>Backups</a>} of={detail} />
      <Awaited of={detail} lines={12}>
        {(run) => (
          <>
            <Result run={run} />
            <Card title="What it told" note={`${run.lines.length} lines`}>
              {run.lines.length === 0 ? <Empty title="Nothing" /> : <Lines lines={run.lines} />}
            </Card>
          </>
        )}
      </Awaited>
    </>
  );
}

function Result({ run }: { run: BackupRunDetail }) {
  const { to } = useUrl();
  const { state, error, backup, trigger, askedBy, attempt, willRetry } = run;
  return (
    <Card title="How it went">
      <div class="stack">
        <p class="about">
          <StatusBadge tone={states[state].tone}>{states[state].word}</StatusBadge>
          {error && <strong>{error.message}</strong>}
          {error?.detail && <span>{error.detail}</span>}
          {error?.hint && <span class="muted">{error.hint}</span>}
          {willRetry && <span class="muted">It is tried again by itself.</span>}
        </p>
        <dl class="facts">
          {backup !== null && (
            <div>
              <dt>Backup</dt>
              <dd>
                <a class="mono" href={to(`/backups/${backup}`)}>
                  {backup}
                </a>
              </dd>
            </div>
          )}
          <div>
            <dt>Began</dt>
            <dd>
              <Time at={run.beganAt} />
            </dd>
          </div>
          <div>
            <dt>Took</dt>
            <dd>
              <Value of={milliseconds(tookMs(run))} />
            </dd>
          </div>
          <div>
            <dt>Asked for by</dt>
            <dd>{trigger === 'hand' ? askedBy : `the schedule${attempt > 1 ? `, attempt ${attempt}` : ''}`}</dd>
          </div>
          {run.bytes !== null && (
            <div>
              <dt>Read</dt>
              <dd>
                <Value of={bytes(run.bytes)} />, <Value of={byteRate(run.bytesPerSecond)} />
              </dd>
            </div>
          )}
          {run.storedBytes !== null && (
            <div>
              <dt>Stored</dt>
              <dd>
                <Value of={bytes(run.storedBytes)} />
              </dd>
            </div>
          )}
          {run.readyMs !== null && (
            <div>
              <dt>Ready after</dt>
              <dd>
                <Value of={milliseconds(run.readyMs)} />
              </dd>
            </div>
          )}
          <div>
            <dt>Repository</dt>
            <dd class="mono">{run.repository}</dd>
          </div>
          {error && (
            <div>
              <dt>Code</dt>
              <dd class="mono">{error.code}</dd>
            </div>
          )}
        </dl>
      </div>
    </Card>
  );
}

function Lines({ lines }: Pick<BackupRunDetail, 'lines'>) {
  return (
    <ol class="run-lines" tabIndex={0} aria-label="What it told">
      {lines.map(({ at, level, text }, index) => (
        <li key={index} class={`run-line-${level}`}>
          <time dateTime={at} title={utc(Date.parse(at))}>
            {moment(Date.parse(at))}
          </time>
          <span>
            {level !== 'info' && <span class="visually-hidden">{level === 'warn' ? 'Warning: ' : 'Error: '}</span>}
            {text}
          </span>
        </li>
      ))}
    </ol>
  );
}
