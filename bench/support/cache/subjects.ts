import { createCache as createDedupe } from 'async-cache-dedupe';
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { createCache as createManager } from 'cache-manager';
import { Cacheable } from 'cacheable';
import { Loader } from 'layered-loader/core';
import { LRUCache } from 'lru-cache';
import { createCache } from '../../../src/client/cache/index.ts';

/** Entries that are kept; less than every subject holds. */
export const keyCount = 500;
const mostEntries = 1000;
const ttlMs = 3_600_000;

export interface Product {
  id: string;
  name: string;
  price: number;
}

export const productOf = (key: string): Product => ({ id: key, name: `Product ${key}`, price: key.length });

/** One library, set up and called as its users do. */
export interface Subject {
  /** Gets a value, or loads it. */
  remember(key: string): unknown;
  /** Gets a value that is there without a promise, where the library can. */
  sync?: ((key: string) => unknown) | undefined;
  /** Puts in entries that bear a tag, and invalidates them by it; where the library has tags. */
  skewed?: (() => Skewed) | undefined;
  tagged?:
    | { fill(keys: readonly string[]): Promise<void>; invalidate(): unknown; has(key: string): unknown }
    | undefined;
}

/** What is asked for much and little, with writes of other keys in between. */
export interface Skewed {
  remember(key: string, load: () => Product): unknown;
  invalidate(key: string): unknown;
}

/** Half of the keys of the skewed load have room. */
const skewedEntries = 50_000;

export const floorName = 'await lru.get';

export const subjects = {
  Pitcrew: () => {
    const cache = createCache({ memory: { maxEntries: mostEntries } });
    const many = createCache({ memory: { maxEntries: 2_000_000 } });
    const options = { tags: ['products', 'catalogue'] };
    return {
      remember: (key) => cache.remember(key, '1h', () => productOf(key), options),
      sync: (key) => cache.peek(key),
      skewed: () => {
        const some = createCache({ memory: { maxEntries: skewedEntries } });
        return {
          remember: (key, load) => some.remember(key, '1h', load),
          invalidate: (key) => some.delete(key),
        };
      },
      tagged: {
        fill: (keys) =>
          many.setMany(
            keys.map((key) => [key, 1] as const),
            { ttl: '1h', tags: ['all'] },
          ),
        invalidate: () => many.invalidateTags('all'),
        has: (key) => many.has(key),
      },
    };
  },
  bentocache: () => {
    const store = bentostore().useL1Layer(memoryDriver({ maxItems: mostEntries, serialize: false }));
    const cache = new BentoCache({ default: 'memory', stores: { memory: store } });
    return {
      remember: (key) =>
        cache.getOrSet({ key, ttl: '1h', tags: ['products', 'catalogue'], factory: () => productOf(key) }),
    };
  },
  cacheable: () => {
    const cache = new Cacheable();
    return { remember: (key) => cache.getOrSet(key, async () => productOf(key), { ttl: '1h' }) };
  },
  'cache-manager': () => {
    const cache = createManager({ ttl: ttlMs });
    return { remember: (key) => cache.wrap(key, async () => productOf(key)) };
  },
  'layered-loader': () => {
    const loader = new Loader<Product>({
      inMemoryCache: { ttlInMsecs: ttlMs, maxItems: mostEntries },
      dataSourceGetOneFn: async (key: string) => productOf(key),
    });
    return { remember: (key) => loader.get(key), sync: (key) => loader.getInMemoryOnly(key) };
  },
  'async-cache-dedupe': () => {
    const cache = createDedupe({
      ttl: ttlMs / 1000,
      storage: { type: 'memory', options: { size: mostEntries } },
    }).define('product', (key: string) => Promise.resolve(productOf(key)));
    return { remember: (key) => cache.product(key) };
  },
  [floorName]: () => {
    const cache = new LRUCache<string, Product>({ max: mostEntries });
    return {
      remember: (key) => {
        const known = cache.get(key);
        if (known) return known;
        const product = productOf(key);
        cache.set(key, product);
        return product;
      },
      sync: (key) => cache.get(key),
    };
  },
} satisfies Record<string, () => Subject>;

export type SubjectName = keyof typeof subjects;
