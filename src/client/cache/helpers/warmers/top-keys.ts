import type { Cache } from '../../cache.ts';
import { type Duration, durationMs } from '../../options.ts';
import { cacheKey } from '../keys/cache-key.ts';
import { type Counted, SpaceSaving } from './space-saving.ts';

export interface TopKeysOptions {
  /** Tells several of one cache apart. */
  name?: string | undefined;
  /** Only keys that begin with it: `orders:`. */
  prefix?: string | undefined;
  /** How many keys are counted at a time; 1,000 by default. Keys that make up more than so great a part of all are never missed. */
  capacity?: number | undefined;
  /** For how long keys are counted together; a day by default, which begins at midnight UTC. */
  window?: Duration | undefined;
  /** How often what was counted is put into the cache; every 5 minutes by default. */
  saveEvery?: Duration | undefined;
}

/** A key, and how often it was asked for: `count` at most, and by up to `error` less. */
export interface TopKey {
  readonly key: string;
  readonly count: number;
  readonly error: number;
}

export interface TopKeys extends AsyncDisposable {
  /** Those asked for most in this window so far, in all processes as far as they have saved it; most asked for first. */
  current(count?: number): Promise<TopKey[]>;
  /** Those of the window before: of yesterday. */
  previous(count?: number): Promise<TopKey[]>;
  /** Puts what was counted into the cache now. */
  save(): Promise<void>;
  /** Counts no more; resolves when what was counted is saved. */
  stop(): Promise<void>;
}

/** Begins the keys under which it is kept, which are not counted themselves. */
const reserved = 'pitcrew-top-keys';
/** Each process keeps its counts in a place of its own; when there are more (or restarts) in a window, the later take over. */
const places = 64;

interface Window {
  readonly number: number;
  readonly counts: SpaceSaving;
  place: number | undefined;
  unsaved: boolean;
}

/**
 * Counts which keys of a cache are asked for most, in bounded memory and from a sample of its hits (see `SpaceSaving`), for
 * warmers. What was counted is kept in the cache itself, so that it survives restarts where a tier does. Where no tier can count,
 * processes that share one have one place, of which the last to save has the say.
 * @throws `E_CONFIG` for what is no span of time
 */
export function createTopKeys(cache: Cache, options: TopKeysOptions = {}): TopKeys {
  const { name = 'all', prefix = '', capacity = 1000, window = '1d', saveEvery = '5m' } = options;
  const windowMs = durationMs('window', window);
  const ttl = 2 * windowMs;
  const base = cache.fullKey('');
  let counting = begun(now());
  let before: Window | undefined;
  let saving: Promise<void> = Promise.resolve();

  function now(): number {
    return Math.floor(Date.now() / windowMs);
  }
  function begun(number: number): Window {
    return { number, counts: new SpaceSaving(capacity), place: undefined, unsaved: false };
  }
  /** The window of now. The one before is kept until the next. */
  function turned(): Window {
    const number = now();
    if (number !== counting.number) {
      before = counting;
      counting = begun(number);
    }
    return counting;
  }
  const processesKey = (number: number): string => cacheKey(reserved, name, number, 'processes');
  const placeKey = (number: number, place: number): string => cacheKey(reserved, name, number, place);

  async function saveWindow(at: Window | undefined): Promise<void> {
    if (!at?.unsaved) return;
    at.unsaved = false;
    if (at.place === undefined) {
      at.place = ((await cache.increment(processesKey(at.number), 1, { ttl })) - 1) % places;
      // From before a restart, where places are not given out one by one.
      merge(at.counts, await cache.get<Counted[]>(placeKey(at.number, at.place)));
    }
    await cache.set(placeKey(at.number, at.place), at.counts.top(), { ttl, jitter: 0 });
  }
  /** One after another: the first of a window takes its place. */
  function save(): Promise<void> {
    const current = turned();
    saving = saving.then(async () => {
      await saveWindow(before);
      await saveWindow(current);
    });
    return saving;
  }

  async function top(number: number, count: number): Promise<TopKey[]> {
    await save();
    const processes = await cache.increment(processesKey(number), 0, { ttl });
    const taken = Math.min(places, Math.max(1, processes));
    const saved = await cache.getMany<Counted[]>(Array.from({ length: taken }, (_, place) => placeKey(number, place)));
    const all = new SpaceSaving(capacity);
    for (const counted of saved.values()) merge(all, counted);
    return all
      .top(count)
      .map(({ item, count: times, error }) => ({ key: item.slice(base.length), count: times, error }));
  }

  const unobserve = cache.observe({
    asked: (key, times) => {
      if (!key.startsWith(base + prefix) || key.includes(reserved)) return;
      const current = turned();
      current.counts.add(key, times);
      current.unsaved = true;
    },
  });
  const timer = setInterval(() => void save(), durationMs('saveEvery', saveEvery)).unref();

  const topKeys: TopKeys = {
    current: (count = capacity) => top(now(), count),
    previous: (count = capacity) => top(now() - 1, count),
    save,
    stop() {
      unobserve();
      clearInterval(timer);
      return save();
    },
    [Symbol.asyncDispose]: () => topKeys.stop(),
  };
  return topKeys;
}

/** What comes from a cache may be anything. */
function merge(counts: SpaceSaving, saved: readonly Counted[] | undefined): void {
  if (!Array.isArray(saved)) return;
  for (const { item, count, error } of saved as readonly Counted[]) counts.add(item, count, error);
}
