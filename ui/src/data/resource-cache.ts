import type { Event as DaemonEvent } from '../../../src/server/api/system.ts';
import { failureFrom, request, type Failure } from './client.ts';
import { onEvent, streamState } from './events.ts';

/**
 * Answers of the API by address. An address asked for by several components is fetched once; it is fetched again when the
 * daemon has news for it, when it failed (later each time), and when the page is seen again after a pause.
 */

export interface RefreshPolicy {
  /** Collectors whose samples make the answer old; `status` for changes of connection and health, `advice` for those of advice, `backups` for runs. */
  on: readonly string[];
  /** Never more often than this. */
  everyMs: number;
}

export interface Entry {
  readonly url: string;
  data: unknown;
  /** When `data` arrived. */
  at: number | undefined;
  failure: Failure | undefined;
  loading: boolean;
}

interface Tracked extends Entry {
  users: Map<() => void, RefreshPolicy | undefined>;
  controller: AbortController | undefined;
  startedAt: number;
  dirty: boolean;
  failures: number;
  leftAt: number;
}

/** Without an event stream, answers are asked for this often. */
const pollMs = 15_000;
const keepMs = 120_000;

const entries = new Map<string, Tracked>();

export function peek(url: string): Entry | undefined {
  return entries.get(url);
}

/** Watches an address; `changed` is called whenever the entry changes. */
export function watch(url: string, changed: () => void, policy: RefreshPolicy | undefined): () => void {
  start();
  let entry = entries.get(url);
  if (!entry) {
    entry = {
      url,
      data: undefined,
      at: undefined,
      failure: undefined,
      loading: false,
      users: new Map(),
      controller: undefined,
      startedAt: 0,
      dirty: false,
      failures: 0,
      leftAt: 0,
    };
    entries.set(url, entry);
  }
  const watched = entry;
  watched.users.set(changed, policy);
  const fresh =
    watched.at !== undefined && !watched.dirty && (policy === undefined || Date.now() - watched.at < policy.everyMs);
  if (!fresh) load(watched);
  return () => {
    watched.users.delete(changed);
    if (watched.users.size > 0) return;
    watched.leftAt = Date.now();
    watched.controller?.abort();
  };
}

/** Asks again now. */
export function refresh(url: string): void {
  const entry = entries.get(url);
  if (entry) load(entry);
}

/** Asks again for everything that is shown. */
export function refreshAll(): void {
  for (const entry of entries.values()) {
    entry.dirty = true;
    if (entry.users.size > 0) load(entry);
  }
}

/** Lets go of everything that was answered: it is nobody's any more. */
export function forgetAll(): void {
  for (const entry of entries.values()) entry.controller?.abort();
  entries.clear();
}

function load(entry: Tracked): void {
  if (entry.controller) return;
  const controller = new AbortController();
  entry.controller = controller;
  entry.startedAt = Date.now();
  entry.dirty = false;
  entry.loading = true;
  notify(entry);
  request(entry.url, { signal: controller.signal })
    .then(
      (data) => {
        entry.data = data;
        entry.at = Date.now();
        entry.failure = undefined;
        entry.failures = 0;
      },
      (thrown: unknown) => {
        if (controller.signal.aborted) {
          entry.dirty = true;
          return;
        }
        entry.failure = failureFrom(thrown);
        entry.failures += 1;
      },
    )
    .finally(() => {
      entry.controller = undefined;
      entry.loading = false;
      notify(entry);
      // Left and come back to while the abandoned request was ending: nobody else would ask again.
      if (controller.signal.aborted && entry.users.size > 0) load(entry);
    });
}

function notify(entry: Tracked): void {
  for (const changed of entry.users.keys()) changed();
}

function policiesOf(entry: Tracked): RefreshPolicy[] {
  return [...entry.users.values()].filter((policy) => policy !== undefined);
}

/** Whether it is time to ask again, and why not earlier. */
function isDue(entry: Tracked, now: number): boolean {
  const age = now - entry.startedAt;
  if (entry.failures > 0)
    return entry.failure?.kind !== 'signed-out' && age >= Math.min(30_000, 1000 * 2 ** entry.failures);
  const policies = policiesOf(entry);
  if (policies.length === 0) return entry.dirty;
  const every = Math.min(...policies.map((policy) => policy.everyMs));
  if (streamState.get() !== 'open' && age >= Math.max(every, pollMs)) return true;
  return entry.dirty && age >= every;
}

function pulse(): void {
  const now = Date.now();
  for (const entry of entries.values()) {
    if (entry.users.size === 0) {
      if (now - entry.leftAt > keepMs) entries.delete(entry.url);
    } else if (document.visibilityState === 'visible' && !entry.controller && isDue(entry, now)) load(entry);
  }
}

/** Makes an answer that is kept up to date old, however young it is. */
function outdate(entry: Tracked): void {
  if (policiesOf(entry).length === 0) return;
  entry.dirty = true;
  entry.startedAt = 0;
}

function subjectOf(event: Exclude<DaemonEvent, { type: 'hello' }>): string {
  if (event.type === 'sample') return event.collector;
  if (event.type === 'backup-run') return 'backups';
  return event.type === 'advice' || event.type === 'advice-run' ? 'advice' : 'status';
}

function take(event: DaemonEvent): void {
  if (event.type === 'hello') return;
  const subject = subjectOf(event);
  for (const entry of entries.values()) {
    const asked = new URL(entry.url, location.origin).searchParams.get('database');
    if (asked !== null && asked !== event.database) continue;
    // A database that is lost or found changes every answer of it, and nobody should wait to see that.
    if (event.type === 'connection') outdate(entry);
    else if (policiesOf(entry).some((policy) => policy.on.includes(subject))) entry.dirty = true;
  }
  pulse();
}

let started = false;

function start(): void {
  if (started) return;
  started = true;
  setInterval(pulse, 1000);
  onEvent(take);
  // A stream that comes back may have missed anything; one that breaks is the first sign of a daemon that is gone.
  streamState.subscribe(() => {
    if (streamState.get() === 'connecting') return;
    for (const entry of entries.values()) outdate(entry);
    pulse();
  });
  for (const name of ['online', 'pageshow', 'visibilitychange'] as const) addEventListener(name, pulse, true);
}
