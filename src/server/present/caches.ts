import {
  type CacheCommandProgress,
  type CacheInRange,
  type CacheNow,
  type CachePart,
  type CacheSeriesAnswer,
  type Series,
  tiersOf,
} from '../../ops/store/index.ts';
import type { Cache, CacheCommand, CacheCourse, CacheStream } from '../api/caches.ts';
import { columnsOf, timesOf } from './applications.ts';
import { along } from './metrics.ts';
import { iso, ratio } from './values.ts';

const mostStreams = 20;
const mostProcesses = 1000;

/** A cache over a range of so many seconds, and as it is now. */
export function presentCache(found: CacheInRange, now: CacheNow | undefined, seconds: number): Cache {
  const { application, name, kind, firstSeen, lastSeen, parts } = found;
  const states = now?.instances ?? [];
  const whole = parts.find((part) => part.kind === 'whole');
  const { hits = 0, staleHits = 0, misses = 0, loads = 0, loadErrors = 0, loadUs = 0, evictions = 0 } = whole ?? {};
  const requests = hits + staleHits + misses;
  return {
    application,
    name,
    kind,
    firstSeen: firstSeen.toISOString(),
    lastSeen: lastSeen.toISOString(),
    processes: states.length,
    requests,
    requestsPerSecond: ratio(requests, seconds),
    hitRatio: ratio(hits + staleHits, requests),
    hits,
    staleHits,
    misses,
    loads,
    loadErrors,
    meanLoadMs: ratio(loadUs / 1000, loads),
    evictions,
    tiers: presentTiers(parts, states, requests),
    invalidations: causesOf(parts, 'invalidation'),
    refused: causesOf(parts, 'refused'),
    bypasses: causesOf(parts, 'bypass'),
    groups: parts
      .filter((part) => part.kind === 'group' && part.hits + part.misses > 0)
      .map(({ name: group, hits: own, misses: empty }) => ({
        name: group,
        hits: own,
        misses: empty,
        hitRatio: ratio(own, own + empty),
      })),
    streams: presentStreams(states),
    warmers: [...new Set(states.flatMap(({ warmers }) => warmers))].toSorted(),
  };
}

/** In the order in which processes tell them, which is the order in which they are asked. */
function presentTiers(parts: readonly CachePart[], states: CacheNow['instances'], requests: number): Cache['tiers'] {
  const now = tiersOf(states);
  const counted = parts.filter(({ kind }) => kind === 'tier');
  const names = inOrder(
    counted.map(({ name }) => name),
    now.map(({ name }) => name),
  );
  return names.map((name) => {
    const { entries = null, bytes = null, away = 0 } = now.find((tier) => tier.name === name) ?? {};
    const part = counted.find((tier) => tier.name === name);
    const { hits = 0, misses = 0, lookups = 0, lookupUs = 0, evictions = 0, unreadable = 0, refused = 0 } = part ?? {};
    return {
      name,
      hits,
      share: ratio(hits, requests),
      hitRatio: ratio(hits, hits + misses),
      misses,
      meanMs: lookupUs > 0 ? ratio(lookupUs / 1000, lookups) : null,
      evictions,
      unreadable,
      refused,
      entries,
      bytes,
      away,
    };
  });
}

/** Memory before what the live processes tell, before what is known from earlier only. */
function inOrder(counted: readonly string[], now: readonly string[]): string[] {
  return [...new Set([...[...now, ...counted].filter((name) => name === 'memory'), ...now, ...counted])];
}

function causesOf(parts: readonly CachePart[], kind: CachePart['kind']): Cache['invalidations'] {
  return parts
    .filter((part) => part.kind === kind && part.count > 0)
    .map(({ name, count }) => ({ name, count }))
    .toSorted((a, b) => b.count - a.count);
}

function presentStreams(states: CacheNow['instances']): CacheStream[] {
  return states
    .flatMap(({ instance, stream }) => (stream ? [{ instance, ...stream }] : []))
    .toSorted((a, b) => Number(b.leader) - Number(a.leader) || (b.lagMs ?? 0) - (a.lagMs ?? 0))
    .slice(0, mostStreams);
}

/** The course of one cache; sizes and lag come as gauges of their own. */
export function presentCacheCourse(answer: CacheSeriesAnswer, gauges: readonly Series[]): CacheCourse {
  const { points, step } = answer;
  const at = timesOf(answer);
  const isOf = (kind: CachePart['kind'], name?: string) => (point: CachePart) =>
    point.kind === kind && (name === undefined || point.name === name);
  const wholes = points.filter(isOf('whole'));
  const askedAt = new Map(wholes.map((point) => [point.at, point.hits + point.staleHits + point.misses]));
  const whole = columnsOf(wholes, step, at);
  const namesOf = (kind: CachePart['kind']) => [...new Set(points.filter(isOf(kind)).map(({ name }) => name))];
  /** Where the cache told of itself but not of this part, it was at rest. */
  const columns = (kind: CachePart['kind'], name: string) => {
    const own = new Map(points.filter(isOf(kind, name)).map((point) => [point.at, point]));
    return (value: (part: CachePart | undefined, asked: number) => number | null) =>
      columnsOf(wholes, step, at)((point) => value(own.get(point.at), askedAt.get(point.at) ?? 0));
  };
  const courses = (kind: CachePart['kind']): CacheCourse['invalidations'] =>
    namesOf(kind).map((name) => ({
      name,
      perSecond: columns(kind, name)((part) => (part?.count ?? 0) / step),
    }));
  const gauge = (name: string, tier?: string): (number | null)[] => {
    const found = gauges.find((series) => series.name === name && series.labels.tier === tier);
    return found === undefined ? at.map(() => null) : along(found, at, 'value');
  };
  return {
    at,
    requestsPerSecond: whole(({ hits, staleHits, misses }) => (hits + staleHits + misses) / step),
    missesPerSecond: whole(({ misses }) => misses / step),
    staleHitsPerSecond: whole(({ staleHits }) => staleHits / step),
    hitRatio: whole(({ hits, staleHits, misses }) => ratio(hits + staleHits, hits + staleHits + misses)),
    loadsPerSecond: whole(({ loads }) => loads / step),
    loadErrorsPerSecond: whole(({ loadErrors }) => loadErrors / step),
    meanLoadMs: whole(({ loadUs, loads }) => ratio(loadUs / 1000, loads)),
    tiers: inOrder(namesOf('tier'), []).map((name) => {
      const column = columns('tier', name);
      return {
        name,
        hitsPerSecond: column((part) => (part?.hits ?? 0) / step),
        share: column((part, asked) => ratio(part?.hits ?? 0, asked)),
        meanMs: column((part) => (part && part.lookupUs > 0 ? ratio(part.lookupUs / 1000, part.lookups) : null)),
        evictionsPerSecond: column((part) => (part?.evictions ?? 0) / step),
        entries: gauge('cache.entries', name),
        bytes: gauge('cache.bytes', name),
      };
    }),
    invalidations: courses('invalidation'),
    refused: courses('refused'),
    bypasses: courses('bypass'),
    lagMs: gauge('cache.stream_lag_seconds').map((lag) => (lag === null ? null : lag * 1000)),
  };
}

const urgency: Readonly<Record<CacheCommandProgress['steps'][number]['state'], number>> = {
  failed: 0,
  waiting: 1,
  silent: 2,
  done: 3,
};

/** A command with what became of it. */
export function presentCommand(database: string, command: CacheCommandProgress): CacheCommand {
  const { id, action, application, cache, askedAt, expiresAt, steps } = command;
  const count = (state: (typeof steps)[number]['state']): number => steps.filter((each) => each.state === state).length;
  const waiting = count('waiting');
  return {
    id,
    database,
    action,
    application,
    cache,
    askedAt: askedAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    finished: waiting === 0,
    done: count('done'),
    failed: count('failed'),
    waiting,
    silent: count('silent'),
    processes: steps
      .toSorted((a, b) => urgency[a.state] - urgency[b.state])
      .slice(0, mostProcesses)
      .map((each) => ({ ...each, at: iso(each.at) })),
  };
}
