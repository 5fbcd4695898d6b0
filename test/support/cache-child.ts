// A process with a cache on the Redis of REDIS_URL. Told what to do by messages, one at a time; answers each with what came of it.
import { setTimeout as delay } from 'node:timers/promises';
import { createCache, redisTier } from '../../src/client/cache/index.ts';

export type CacheOrder =
  /** Asks for a key by many callers; its load takes so long. */
  | { do: 'remember'; key: string; callers: number; loadMs: number; value: string; tags: string[]; leaseMs?: number }
  | { do: 'peek'; key: string }
  | { do: 'set'; key: string; value: string; tags: string[] }
  | { do: 'invalidate'; tags: string[] }
  | { do: 'delete'; key: string };

export interface CacheAnswer {
  /** What was found or remembered, each once; null for nothing. */
  values: (string | null)[];
  loads: number;
}

const cache = createCache({ tiers: [redisTier({ url: process.env['REDIS_URL'] ?? '' })] });
let loads = 0;

async function obey(order: CacheOrder): Promise<CacheAnswer> {
  loads = 0;
  const values = await valuesOf(order);
  await cache.settled();
  return { values: [...new Set(values)], loads };
}

async function valuesOf(order: CacheOrder): Promise<(string | null)[]> {
  switch (order.do) {
    case 'remember':
      return Promise.all(
        Array.from({ length: order.callers }, () =>
          cache.remember(
            order.key,
            '1m',
            async () => {
              loads += 1;
              process.send?.('loading');
              await delay(order.loadMs);
              return order.value;
            },
            { tags: order.tags },
          ),
        ),
      );
    case 'peek':
      return [cache.peek<string>(order.key) ?? null];
    case 'set':
      await cache.set(order.key, order.value, { tags: order.tags });
      return [];
    case 'invalidate':
      await cache.invalidateTags(...order.tags);
      return [];
    case 'delete':
      await cache.delete(order.key);
      return [];
  }
}

process.on('message', (order: CacheOrder) => {
  void obey(order).then((answer) => process.send?.(answer));
});
process.on('disconnect', () => void cache.close().then(() => process.exit()));
// Connected before the first order.
await cache.has('nothing');
process.send?.('ready');
