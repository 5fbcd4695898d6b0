import type { CacheCommand, CacheCommandResult, CacheFigures, ReportedCache } from '../telemetry/index.ts';
import type { QueryCache } from './query-cache.ts';
import type { QueryCacheStats } from './stats.ts';

/** A query cache as `pitcrew serve` is told of it. */
export function queriesReporting(cache: QueryCache): ReportedCache {
  return {
    name: cache.name,
    kind: 'queries',
    figures: () => figuresOf(cache.stats()),
    run: (command) => run(cache, command),
  };
}

function figuresOf(stats: QueryCacheStats): CacheFigures {
  const { memoryHits, tierHits, joined, misses, loadErrors, meanLoadMs, memory, tier, changes } = stats;
  return {
    tiers: [
      // Whoever waited for a load that was under way had its answer from memory, too.
      {
        name: 'memory',
        hits: memoryHits + joined,
        misses: tierHits + misses,
        ...memory,
        unreadable: 0,
        refused: 0,
        isAway: false,
      },
      ...(tier ? [{ ...tier, hits: tierHits, misses, evictions: 0 }] : []),
    ],
    misses,
    staleHits: 0,
    loads: misses,
    loadErrors,
    loadMs: meanLoadMs * misses,
    invalidations: stats.givenUp,
    refused: stats.refused,
    bypasses: stats.bypasses,
    groups: stats.groups,
    stream: {
      truth: stats.truth === 'nothing' ? 'off' : stats.truth,
      state: changes?.state ?? 'starting',
      reason: stats.reason,
      lagMs: changes?.lagMs,
      leader: stats.isReader,
    },
  };
}

async function run(cache: QueryCache, { action, tables = [] }: CacheCommand): Promise<CacheCommandResult> {
  if (action === 'warm') return { ok: false, error: 'a cache of queries has no warmers' };
  if (action === 'clear') {
    await cache.clear();
    return { ok: true };
  }
  if (tables.length === 0) return { ok: true, detail: 'holds results of statements: only tables concern it' };
  const unknown = await cache.invalidate(tables);
  return unknown.length === 0 ? { ok: true } : { ok: true, detail: `not known here: ${unknown.join(', ')}` };
}
