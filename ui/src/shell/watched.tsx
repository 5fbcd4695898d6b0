import { StatusBadge } from '../components/status.tsx';
import { offlineSince } from '../data/client.ts';
import { useStore } from '../data/store.ts';
import { useUrl } from '../data/use-url.ts';
import { connectionWords } from './connection.ts';
import { useDatabases } from './use-databases.ts';

/** Which database is watched and how the connection to it is; a choice when there are several. */
export function Watched() {
  const { all, current } = useDatabases();
  const { set, query } = useUrl();
  const list = all.data?.databases ?? [];
  const offline = useStore(offlineSince) !== undefined;
  const state = current && !offline ? connectionWords[current.connection] : undefined;
  return (
    <section class="watched" aria-label="Watched database">
      {list.length > 1 ? (
        <select
          class="field"
          aria-label="Database"
          value={current?.name ?? query['database'] ?? ''}
          onChange={(event) =>
            set({ database: event.currentTarget.value === list[0]?.name ? null : event.currentTarget.value })
          }
        >
          {list.map(({ name, grade }) => (
            <option key={name} value={name}>
              {grade === null ? name : `${name} (${grade})`}
            </option>
          ))}
        </select>
      ) : (
        <span class="watched-name">{current?.name ?? (all.failure ? 'Not known' : '…')}</span>
      )}
      <span role="status">
        {offline && <StatusBadge tone="unknown">Not known</StatusBadge>}
        {state && (
          <StatusBadge tone={state.tone} icon={state.icon}>
            {state.word}
          </StatusBadge>
        )}
      </span>
      {current && (
        <span class="watched-facts">
          {[
            current.serverVersion && `PostgreSQL ${current.serverVersion}`,
            current.isStandby && 'standby',
            current.address,
          ]
            .filter(Boolean)
            .join(' · ')}
        </span>
      )}
    </section>
  );
}
