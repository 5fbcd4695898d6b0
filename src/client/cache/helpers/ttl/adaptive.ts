import { hash } from 'node:crypto';
import { serialize } from 'node:v8';
import { LRUCache } from 'lru-cache';
import { PitcrewError } from '../../../../errors.ts';
import type { Cache } from '../../cache.ts';
import type { Invalidation } from '../../invalidation.ts';
import { type Duration, durationMs } from '../../options.ts';
import { changeRate, type Observation } from './change-rate.ts';

export interface AdaptiveTtlOptions<Value = unknown> {
  /** 10 s by default. */
  min?: Duration | undefined;
  /** 1 h by default. */
  max?: Duration | undefined;
  /** While a value has been seen too seldom; 5 minutes by default. */
  initial?: Duration | undefined;
  /** The share of values that may have changed by the time they go stale; 0.1 by default. Half of that is the share at any one time, about. */
  changed?: number | undefined;
  /** Of so many keys the changes are remembered, those loaded last; 10,000 by default, of some 500 bytes each. */
  maxKeys?: number | undefined;
  /** What changes when the value does, such as a column `updated_at`; a hash of the whole value by default. */
  version?: ((value: Value) => string | number | Date) | undefined;
}

/** Why a key has the time to live that it has. */
export interface TtlExplanation {
  readonly ttlMs: number;
  /** Reloads that could be compared with what was there before; the last 16 at most. */
  readonly reloads: number;
  /** Those that have found another value. */
  readonly changes: number;
  /** As estimated from them; `undefined` before there are three. */
  readonly changesPerHour: number | undefined;
  /** The same as a sentence. */
  readonly because: string;
}

export interface AdaptiveTtl<Value = unknown> {
  /** The time to live of a value that has just been loaded: to be given as such to `remember`, `cached` and `repository`. */
  readonly ttl: (value: Value, key: string) => number;
  /** Of a key as `remember` of the same cache is given it. */
  explain(key: string): TtlExplanation;
  /** Observes the cache no more. */
  stop(): void;
}

interface Seen {
  version: string;
  at: number;
  /** When it was invalidated since: then a change is known to the moment, not only to the reload. */
  invalidatedAt: number | undefined;
  readonly observations: Observation[];
}

const mostObservations = 16;
const fewestObservations = 3;
const hourMs = 3_600_000;

/**
 * Times to live that go by how often a value is found changed when it is loaded anew: so short that no more than a given share has
 * changed when it goes stale, and no shorter. See `changeRate` for the estimate. What was seen is kept by this process.
 * @throws `E_CONFIG` for options that make no sense
 */
export function adaptiveTtl<Value = unknown>(
  cache: Cache,
  {
    min = '10s',
    max = '1h',
    initial = '5m',
    changed = 0.1,
    maxKeys = 10_000,
    version: versionOf,
  }: AdaptiveTtlOptions<Value> = {},
): AdaptiveTtl<Value> {
  const minMs = durationMs('min', min);
  const maxMs = durationMs('max', max);
  const initialMs = Math.min(Math.max(durationMs('initial', initial), minMs), maxMs);
  if (minMs > maxMs) throw new PitcrewError('E_CONFIG', 'min must not be longer than max');
  if (!(changed > 0 && changed < 1)) {
    throw new PitcrewError('E_CONFIG', 'changed must be a share between 0 and 1', { detail: `Found ${changed}.` });
  }
  const version = (value: Value): string | undefined => (versionOf ? String(versionOf(value)) : hashOf(value));
  const seen = new LRUCache<string, Seen>({ max: maxKeys });
  const noteInvalidated = (what: readonly Invalidation[]): void => {
    for (const each of what) {
      const known = each.kind === 'key' ? seen.peek(each.key) : undefined;
      if (known) known.invalidatedAt ??= Date.now();
    }
  };
  const stop = cache.observe({ invalidated: (_, what) => noteInvalidated(what) });

  /** 1 − e^(−λt) of the values have changed after t. */
  const ttlFor = (rate: number): number => Math.min(Math.max(-Math.log1p(-changed) / rate, minMs), maxMs);
  const ttlOf = (known: Seen | undefined): number =>
    known && known.observations.length >= fewestObservations ? ttlFor(changeRate(known.observations)) : initialMs;

  return {
    ttl: (value, key) => {
      const now = Date.now();
      const current = version(value);
      if (current === undefined) return initialMs;
      const known = seen.get(key);
      if (known === undefined) {
        seen.set(key, { version: current, at: now, invalidatedAt: undefined, observations: [] });
        return initialMs;
      }
      const isChanged = known.version !== current;
      const until = (isChanged ? known.invalidatedAt : undefined) ?? now;
      // Within one ms nothing can be learnt of a rate.
      if (until > known.at) known.observations.push({ tookMs: until - known.at, changed: isChanged });
      if (known.observations.length > mostObservations) known.observations.shift();
      Object.assign(known, { version: current, at: now, invalidatedAt: undefined });
      return ttlOf(known);
    },
    explain: (key) => {
      const known = seen.peek(cache.fullKey(key));
      return explained(known?.observations ?? [], ttlOf(known), { minMs, maxMs, changed });
    },
    stop,
  };
}

function explained(
  observations: readonly Observation[],
  ttlMs: number,
  { minMs, maxMs, changed }: { minMs: number; maxMs: number; changed: number },
): TtlExplanation {
  const reloads = observations.length;
  const changes = observations.filter((each) => each.changed).length;
  const found = `${changes} of its last ${reloads} reloads found another value`;
  if (reloads < fewestObservations) {
    const because = `Seen too seldom to tell: ${found}, ${fewestObservations} are needed. It begins with ${ttlMs} ms.`;
    return { ttlMs, reloads, changes, changesPerHour: undefined, because };
  }
  const changesPerHour = changeRate(observations) * hourMs;
  const limit = ttlMs === minMs ? ', the shortest allowed' : ttlMs === maxMs ? ', the longest allowed' : '';
  const because =
    `${found}: about ${changesPerHour.toPrecision(2)} changes an hour. ` +
    `That ${changed * 100} % have changed when they go stale takes ${Math.round(ttlMs)} ms${limit}.`;
  return { ttlMs, reloads, changes, changesPerHour, because };
}

/** `undefined` for what cannot be written down, such as functions: of that nothing is known. */
function hashOf(value: unknown): string | undefined {
  try {
    return hash('sha256', serialize(value), 'base64url');
  } catch {
    return undefined;
  }
}
