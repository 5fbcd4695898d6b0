import { PitcrewError } from '../../../errors.ts';
import type { Cache, CacheStats } from '../../cache/index.ts';
import type { CacheCommand, CacheCommandResult, CacheFigures, ReportedCache, TierFigures } from './reported-cache.ts';

/** Tiers of one kind, told apart. */
function named(tiers: CacheStats['tiers']): TierFigures[] {
  const times = new Map<string, number>();
  return tiers.map(({ name, meanMs, ...tier }) => {
    const place = (times.get(name) ?? 0) + 1;
    times.set(name, place);
    return {
      ...tier,
      name: place === 1 ? name : `${name} ${place}`,
      ...(meanMs === undefined ? {} : { lookupMs: meanMs * tier.lookups }),
    };
  });
}

function figuresOf(stats: CacheStats): CacheFigures {
  const { misses, staleHits, loads, loadErrors, meanLoadMs, invalidations, refused, groups } = stats;
  return {
    tiers: named(stats.tiers),
    misses,
    staleHits,
    loads,
    loadErrors,
    loadMs: meanLoadMs * loads,
    invalidations,
    refused: { invalidated: refused },
    groups,
  };
}

async function invalidate(cache: Cache, command: CacheCommand): Promise<CacheCommandResult> {
  const { keys = [], tags = [], patterns = [] } = command;
  if (keys.length + tags.length + patterns.length === 0) {
    return { ok: true, detail: 'holds values, not results of statements: no table concerns it' };
  }
  await Promise.all([cache.delete(...keys), cache.invalidateTags(...tags), cache.invalidatePattern(...patterns)]);
  const away = cache.stats().tiers.filter(({ isAway }) => isAway);
  if (away.length === 0) return { ok: true };
  return { ok: true, detail: `${away.map(({ name }) => name).join(', ')} is away, and is told when it is back` };
}

/**
 * Makes a cache one that can be reported: `pool.telemetry?.observeCache(cacheReporting(cache, { name: 'catalogue' }))`. Of a
 * namespace the figures are those of the whole cache, and what an operator asks for concerns the namespace alone.
 * @throws `E_CONFIG` without a name
 */
export function cacheReporting(cache: Cache, { name }: { name: string }): ReportedCache {
  if (!name) throw new PitcrewError('E_CONFIG', 'a cache that is reported must have a name');
  return {
    name,
    kind: 'values',
    figures: () => figuresOf(cache.stats()),
    async run(command) {
      if (command.action === 'invalidate') return invalidate(cache, command);
      if (command.action === 'warm') return { ok: false, error: 'this process has no such warmer' };
      await cache.clear();
      return { ok: true };
    },
  };
}
