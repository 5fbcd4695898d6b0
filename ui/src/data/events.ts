import type { Event as DaemonEvent } from '../../../src/server/api/system.ts';
import { eventsUrl } from './api.ts';
import { createStore } from './store.ts';

/** The daemon's event stream: one connection per page, only while the page is seen, taken up again when it breaks. */

export type StreamState = 'connecting' | 'open' | 'lost';
export const streamState = createStore<StreamState>('connecting');

const kinds = [
  'hello',
  'sample',
  'connection',
  'health',
  'advice',
  'advice-run',
  'backup-run',
] as const satisfies DaemonEvent['type'][];
const listeners = new Set<(event: DaemonEvent) => void>();

/** Calls the listener for every event until the returned function is called. */
export function onEvent(listener: (event: DaemonEvent) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

let source: EventSource | undefined;
let attempts = 0;
let retry: ReturnType<typeof setTimeout> | undefined;

function connect(): void {
  clearTimeout(retry);
  source?.close();
  const current = new EventSource(eventsUrl);
  source = current;
  current.addEventListener('open', () => {
    attempts = 0;
    streamState.set('open');
  });
  current.addEventListener('error', () => {
    if (source !== current) return;
    // The browser gives up for good on some errors (a proxy's 502), so the trying again is ours.
    current.close();
    streamState.set('lost');
    attempts += 1;
    retry = setTimeout(connect, Math.min(30_000, 500 * 2 ** attempts));
  });
  for (const kind of kinds) {
    current.addEventListener(kind, (message: MessageEvent<string>) => {
      const event = parseEvent(message.data);
      if (event) for (const listener of listeners) listener(event);
    });
  }
}

function parseEvent(text: string): DaemonEvent | undefined {
  try {
    return JSON.parse(text) as DaemonEvent;
  } catch {
    return undefined;
  }
}

function disconnect(): void {
  clearTimeout(retry);
  source?.close();
  source = undefined;
  streamState.set('connecting');
}

/** Begins to listen. Hidden pages let go: a browser grants few connections to one address, however many tabs are open. */
export function startEvents(): () => void {
  const follow = () => (document.visibilityState === 'visible' ? connect() : disconnect());
  follow();
  document.addEventListener('visibilitychange', follow);
  return () => {
    document.removeEventListener('visibilitychange', follow);
    disconnect();
  };
}
