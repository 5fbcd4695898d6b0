import type { CacheReport, PendingCommand } from '../../../client/telemetry/caches/report.ts';
import type { TimeRange } from '../time-range.ts';

/**
 * What is counted of a cache apart: the `whole` of it, each `tier`, each `group` of keys, and how often each cause of an `invalidation`,
 * each reason of a `refused` fill or of a `bypass` came.
 */
export type CachePartKind = 'whole' | 'tier' | 'group' | 'invalidation' | 'refused' | 'bypass';

/** What is counted of a part and adds up; what a part does not have is 0. */
export interface CacheCounters {
  /** Of the whole: of all tiers together, answers that had gone stale apart. */
  hits: number;
  /** Of the whole and of groups: nothing was there. Of a tier: lookups that found nothing fresh. */
  misses: number;
  staleHits: number;
  loads: number;
  loadErrors: number;
  loadUs: number;
  lookups: number;
  lookupUs: number;
  evictions: number;
  unreadable: number;
  refused: number;
  /** Of a cause or reason: how often it came. */
  count: number;
}

export interface CachePart extends CacheCounters {
  kind: CachePartKind;
  name: string;
}

/** A cache with what it counted in a range. */
export interface CacheInRange {
  application: string;
  name: string;
  kind: CacheReport['kind'];
  firstSeen: Date;
  lastSeen: Date;
  parts: CachePart[];
}

export interface CacheSeriesAnswer extends TimeRange {
  step: number;
  /** Of buckets in which something was counted; groups of keys have no course. `at`: start in ms since 1970. */
  points: ({ at: number } & CachePart)[];
}

/** How a cache stands in one process. */
export interface CacheState {
  tiers: Pick<CacheReport['tiers'][number], 'name' | 'entries' | 'bytes' | 'isAway'>[];
  stream: CacheReport['stream'];
  warmers: string[];
}

/** A cache as it is now, in the processes that have reported lately. */
export interface CacheNow {
  application: string;
  name: string;
  kind: CacheReport['kind'];
  instances: (CacheState & { instance: string; seenAt: Date })[];
}

/** A part since it was first seen: these only grow. Groups of keys are not told. */
export interface CacheTotal extends CacheCounters {
  application: string;
  cache: string;
  kind: Exclude<CachePartKind, 'group'>;
  name: string;
}

/** What an operator asks of the caches that fit, in all processes. */
export interface CacheAsk {
  targetId: number;
  application?: string | undefined;
  cache?: string | undefined;
  action: PendingCommand['action'];
  arguments: Pick<PendingCommand, 'keys' | 'tags' | 'patterns' | 'tables' | 'warmer'>;
  /** From where it was asked. */
  askedBy: string;
  now: Date;
}

/** What became of a command in one process. */
export interface CacheCommandStep {
  application: string;
  cache: string;
  instance: string;
  /** `silent`: it has not reported lately, and is given the command if it does before that expires. */
  state: 'done' | 'failed' | 'waiting' | 'silent';
  /** When its result came. */
  at: Date | null;
  error: string | null;
  detail: string | null;
}

export interface CacheCommandProgress {
  id: string;
  application: string | null;
  cache: string | null;
  action: PendingCommand['action'];
  arguments: CacheAsk['arguments'];
  askedAt: Date;
  askedBy: string;
  expiresAt: Date;
  steps: CacheCommandStep[];
}

/** Reading what was told of caches. Every method throws `E_STORE_UNAVAILABLE` while the store is away. */
export interface CacheHistory {
  /** Caches that were seen in the range, of all applications or one. */
  caches(
    query: TimeRange & { targetId: number; application?: string | undefined; cache?: string | undefined },
  ): Promise<CacheInRange[]>;
  /** The course of one cache. */
  cacheSeries(
    query: TimeRange & { targetId: number; application: string; cache: string; step: number },
  ): Promise<CacheSeriesAnswer>;
  cachesNow(query: { targetId: number; now: Date }): Promise<CacheNow[]>;
  cacheTotals(query: { targetId: number; now: Date }): Promise<CacheTotal[]>;
  /** A command and what became of it so far; `undefined` when there is none of that id. */
  cacheCommand(query: { targetId: number; id: string; now: Date }): Promise<CacheCommandProgress | undefined>;
}

export type { CacheReport, PendingCommand };
