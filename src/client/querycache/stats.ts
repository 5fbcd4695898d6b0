import type { GroupStats } from '../cache/index.ts';
import type { Counts } from './counts.ts';
import type { Fence, FenceStats } from './fence/index.ts';
import type { ChangeSource } from './feed/change-source.ts';
import { SharedFeed } from './feed/shared-feed.ts';
import type { ResultMemory } from './results/result-memory.ts';
import type { SharedResults } from './results/shared-results.ts';
import type { ChangeStreamStats } from './stream/index.ts';

/** What a query cache has done since it was made, and how true it is now. */
export interface QueryCacheStats {
  /**
   * What keeps results true. `stream` and `triggers`: changes by whichever client, within a moment, learnt from the database's log or by
   * triggers. `own writes`: what this pool itself writes, at once; what others write is not noticed before a result's time is over.
   * `nothing`: no result is used at present.
   */
  truth: 'stream' | 'triggers' | 'own writes' | 'nothing';
  /** Why changes of others are not known, in words. */
  reason: string | undefined;
  /** Where changes come from: `state`, how late they are, and what about the tables is worth knowing. */
  changes: ChangeStreamStats | undefined;
  /** This process reads changes for all that share its tier; without a tier each does. */
  isReader: boolean;
  /** Answers from this process's memory. */
  memoryHits: number;
  /** Answers from the shared tier. */
  tierHits: number;
  /** Callers who waited for a load that another had begun. */
  joined: number;
  /** Loads. */
  misses: number;
  /** All that was answered without a load of its own, among all that was asked for, from 0 to 1; 0 before anything was. */
  hitRatio: number;
  loadErrors: number;
  meanLoadMs: number;
  /** Statements that were to be kept, and went past the cache, by reason. */
  bypasses: Counts['bypasses'];
  /** Results that were not kept, by reason. */
  refused: Counts['refused'] & FenceStats['refused'];
  /** Results that were given up, by cause. */
  givenUp: Counts['givenUp'];
  memory: { entries: number; bytes: number; evictions: number };
  tier: { name: string; isAway: boolean; unreadable: number; refused: number } | undefined;
  /** By the first table that is read, those most asked for first; a hundred at most. */
  groups: GroupStats[];
}

interface Parts {
  truth: 'changes' | 'own writes' | 'nothing';
  reason: string;
  feed: ChangeSource | undefined;
  counts: Counts;
  memory: ResultMemory;
  fence: Fence;
  shared: SharedResults | undefined;
}

export function statsOf({ truth, reason, feed, counts, memory, fence, shared }: Parts): QueryCacheStats {
  const { memoryHits, tierHits, joined, misses, loadErrors, loadMs, bypasses, refused, givenUp } = counts;
  const hits = memoryHits + tierHits + joined;
  const tier = shared?.stats();
  return {
    truth: truth === 'changes' ? (feed?.by ?? 'stream') : truth,
    reason: truth === 'changes' ? undefined : reason,
    changes: feed?.stats(),
    isReader: feed instanceof SharedFeed ? feed.isReader : feed !== undefined,
    memoryHits,
    tierHits,
    joined,
    misses,
    hitRatio: hits / Math.max(1, hits + misses),
    loadErrors,
    meanLoadMs: loadMs / Math.max(1, misses),
    bypasses: { ...bypasses },
    refused: { ...fence.stats().refused, ...refused },
    givenUp: { ...givenUp },
    memory: memory.stats(),
    tier: tier && { name: tier.name, isAway: tier.isAway, unreadable: tier.unreadable, refused: tier.refused },
    groups: counts.groups(),
  };
}
