import type { ComponentChildren } from 'preact';
import type { Doctor } from '../../../src/server/api/system.ts';
import { Card } from '../components/card.tsx';
import { Fact } from '../components/fact.tsx';
import { Fix } from '../components/fix.tsx';
import { Freshness } from '../components/page-header.tsx';
import { Awaited, Empty } from '../components/states.tsx';
import { StatusBadge } from '../components/status.tsx';
import { Tile } from '../components/tile.tsx';
import { Time } from '../components/value.tsx';
import { databaseUrl } from '../data/api.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { bytes, count } from '../format/quantity.ts';
import { connectionWords } from '../shell/connection.ts';
import { Collectors } from './collectors.tsx';

const policy = { on: ['status', 'activity', 'statements', 'instance', 'tables', 'slow'], everyMs: 5000 };

export function DoctorReport() {
  const { query } = useUrl();
  const doctor = useResource<Doctor>(databaseUrl('/doctor', query), policy);
  return (
    <Awaited of={doctor} lines={12}>
      {(answer) => (
        <>
          <Connection answer={answer} freshness={<Freshness of={doctor} />} />
          <SkippedList skipped={answer.skipped} />
          <Collectors collectors={answer.collectors} />
          <OwnCost cost={answer.ownCost} />
        </>
      )}
    </Awaited>
  );
}

function Connection({ answer, freshness }: { answer: Doctor; freshness: ComponentChildren }) {
  const { tone, icon, word } = connectionWords[answer.connection];
  const { server } = answer;
  return (
    <Card title="Connection" actions={freshness}>
      <div class="stack">
        <p class="about">
          <StatusBadge tone={tone} icon={icon}>
            {word}
          </StatusBadge>
          {answer.message !== null && <span>{answer.message}</span>}
          {answer.hint !== null && <span>{answer.hint}</span>}
        </p>
        <dl class="facts">
          <Fact name="Address">{answer.address}</Fact>
          {server && (
            <>
              <Fact name="Version">
                PostgreSQL {server.version}
                {server.flavour !== 'postgresql' && ` (${server.flavour})`}
              </Fact>
              <Fact name="Role">{server.isStandby ? 'standby' : 'primary'}</Fact>
              <Fact name="Started">
                <Time at={server.startedAt} relative />
              </Fact>
              <Fact name="Database">{server.database}</Fact>
              <Fact name="Connected as">{server.user}</Fact>
              <Fact name="max_connections">{server.maxConnections}</Fact>
              <Fact name="CPUs">{server.cpus ?? 'not known; set monitor.cpus'}</Fact>
              <Fact name="pg_stat_statements">{server.statementsVersion ?? 'not installed'}</Fact>
            </>
          )}
        </dl>
      </div>
    </Card>
  );
}

function SkippedList({ skipped }: { skipped: Doctor['skipped'] }) {
  return (
    <Card title={skipped.length === 0 ? 'Skipped' : `Skipped (${skipped.length})`}>
      {skipped.length === 0 ? (
        <p>
          <StatusBadge tone="ok" /> Everything that this server offers can be read.
        </p>
      ) : (
        <ul class="skipped">
          {skipped.map(({ subject, reason, fix }) => (
            <li key={subject}>
              <StatusBadge tone="unknown" icon="info">
                Skipped
              </StatusBadge>
              <div class="stack">
                <p>
                  <strong>{subject}</strong> <span class="muted">{reason}</span>
                </p>
                {fix !== null && <Fix text={fix} />}
              </div>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function OwnCost({ cost }: { cost: Doctor['ownCost'] }) {
  return (
    <Card title="Pitcrew’s own cost" note="What watching costs the database, over the last minutes">
      {cost === null ? (
        <Empty title="Not known yet">It is read from pg_stat_statements once that was read twice.</Empty>
      ) : (
        <ul class="grid grid-tiles grid-tiles-four" aria-label="Pitcrew’s own cost">
          <Tile
            hint="Time that the server spends on Pitcrew’s statements, per second"
            title="Backend time"
            value={{ value: cost.backendMsPerSecond.toFixed(2), unit: 'ms/s' }}
          />
          <Tile title="Statements" value={count(cost.calls)} />
          <Tile title="Temporary files" value={bytes(cost.tempBytes)} />
          <Tile title="Connections" value={count(cost.connections)} />
        </ul>
      )}
    </Card>
  );
}
