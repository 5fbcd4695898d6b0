import type { ComponentChildren } from 'preact';
import { Icon } from '../components/icon.tsx';
import { Time } from '../components/value.tsx';
import { offlineSince } from '../data/client.ts';
import { useStore } from '../data/store.ts';
import { useUrl } from '../data/use-url.ts';
import { connectionWords } from './connection.ts';
import { useDatabases } from './use-databases.ts';

/** What concerns every page, above all of them: the daemon, the watched database, the store. */
export function Notices() {
  const offline = useStore(offlineSince);
  const { all, current } = useDatabases();
  const { query } = useUrl();
  const state = current && connectionWords[current.connection];
  const store = all.data?.store;
  return (
    <div class="notices" role="status" aria-live="polite">
      {offline !== undefined && (
        <Notice tone="critical">
          <strong>Pitcrew’s daemon cannot be reached</strong> since <Time at={offline} />. What is shown is from before;
          this page tries again by itself.
        </Notice>
      )}
      {current && state && state.tone === 'critical' && (
        <Notice tone="critical">
          <strong>{state.sentence}</strong> since <Time at={current.since} />
          {current.message === null ? '.' : `: ${current.message}.`} {current.hint}
        </Notice>
      )}
      {current?.connection === 'standby-daemon' && <Notice tone="warning">{state?.sentence}.</Notice>}
      {all.data && !current && query['database'] !== undefined && (
        <Notice tone="warning">
          <strong>No database “{query['database']}” is watched.</strong> Choose one of the list.
        </Notice>
      )}
      {store && store.state !== 'ready' && (
        <Notice tone="warning">
          <strong>{store.state === 'away' ? 'The store cannot be reached' : 'The store takes no data'}</strong> since{' '}
          <Time at={store.since} />
          {store.message === null ? '.' : `: ${store.message}.`} Live figures are shown; history is missing until it is
          back.
        </Notice>
      )}
    </div>
  );
}

function Notice({ tone, children }: { tone: 'warning' | 'critical'; children: ComponentChildren }) {
  return (
    <div class={`notice notice-${tone}`}>
      <Icon name={tone} />
      <p>{children}</p>
    </div>
  );
}
