import type { BackupList } from '../../../src/server/api/backups.ts';
import { Card } from '../components/card.tsx';
import { Empty } from '../components/states.tsx';
import { useNow } from '../data/clock.ts';
import { useUrl } from '../data/use-url.ts';
import { axisTimes, moment } from '../format/time.ts';
import { rangeText } from '../format/time.ts';
import { ticksOf } from './ticks.ts';

/** Room on both sides, in ms of a hundred. */
const margin = 0.02;

/** When backups were made, what builds on what, and which moments can be restored. */
export function Timeline({ answer }: { answer: BackupList }) {
  const { to } = useUrl();
  const now = useNow(30_000);
  const { backups, windows } = answer;
  const first = Math.min(
    ...backups.map(({ endedAt }) => Date.parse(endedAt)),
    ...windows.map(({ from }) => Date.parse(from.at)),
  );
  if (!Number.isFinite(first)) {
    return (
      <Card title="What can be restored">
        <Empty title="Nothing yet">
          {answer.repositories[0]?.error
            ? 'The repository cannot be read: see below.'
            : 'The first backup is made at the next time of the settings, or by the button above.'}
        </Empty>
      </Card>
    );
  }
  const length = Math.max(now - first, 60_000);
  const at = (ms: number): number => (margin + ((ms - first) / length) * (1 - 2 * margin)) * 100;
  const place = (ms: number): string => `${at(ms).toFixed(3)}%`;
  const ticks = ticksOf(first, first + length);
  const labels = axisTimes(ticks);
  return (
    <Card
      title="What can be restored"
      note={
        <span class="backup-legend" aria-hidden="true">
          <span class="backup-window-sign" /> any moment
          <span class="backup-sign backup-full" /> full
          <span class="backup-sign backup-incremental" /> incremental
        </span>
      }
    >
      <div class="backup-timeline">
        <ol class="backup-marks" aria-label="Backups, by time">
          {backups.toReversed().map((backup) => {
            const parent = backups.find(({ id }) => id === backup.parent);
            const ended = Date.parse(backup.endedAt);
            return (
              <li key={backup.id}>
                {parent && (
                  <span
                    class="backup-link"
                    style={{
                      insetInlineStart: place(Date.parse(parent.endedAt)),
                      inlineSize: `${(at(ended) - at(Date.parse(parent.endedAt))).toFixed(3)}%`,
                    }}
                  />
                )}
                <a
                  class={`backup-sign backup-${backup.parent === null ? 'full' : 'incremental'}`}
                  style={{ insetInlineStart: place(ended) }}
                  href={to(`/backups/${backup.id}`)}
                  title={`${backup.id}, ${moment(ended, now)}`}
                >
                  <span class="visually-hidden">
                    {backup.type} backup of {moment(ended, now)}
                  </span>
                </a>
              </li>
            );
          })}
        </ol>
        <ul class="backup-windows" aria-label="Moments that can be restored">
          {windows.map((window) => {
            const [from, until] = [Date.parse(window.from.at), Date.parse(window.to.at)];
            const text = rangeText(from, until, now);
            return (
              <li
                key={`${window.from.lsn} ${window.from.timeline}`}
                class="backup-window"
                style={{ insetInlineStart: place(from), inlineSize: `max(3px, ${(at(until) - at(from)).toFixed(3)}%)` }}
                title={text}
              >
                <span class="visually-hidden">{text}</span>
              </li>
            );
          })}
        </ul>
        <div class="backup-axis" aria-hidden="true">
          {ticks.map((tick, index) => (
            <span key={tick} style={{ insetInlineStart: place(tick) }}>
              {labels[index]}
            </span>
          ))}
        </div>
      </div>
    </Card>
  );
}
