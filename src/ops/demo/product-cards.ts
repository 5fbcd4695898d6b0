import { type Cache, createCache, createWarmer } from '../../client/cache/index.ts';
import type { MeasuredPool } from '../../client/create-pool.ts';
import { cacheReporting } from '../../client/telemetry/index.ts';

/** What the shop's front page shows, kept in memory. Too small for all products, so that the rarer ones make room for others. */
export interface ProductCards {
  categories(): Promise<unknown>;
  bestsellers(): Promise<number[]>;
  cards(ids: readonly number[]): Promise<unknown>;
  /** Products that were sold: what is said of their stock is wrong now. */
  sold(ids: readonly number[]): Promise<void>;
}

/** The cache of a service, which reports it with its pool. */
export function productCards(pool: MeasuredPool): ProductCards {
  const cache = createCache({ memory: { maxEntries: 400, maxBytes: 4 * 1024 ** 2 }, ttl: '2m' });
  const made = cardsFrom(pool, cache);
  const bestsellers = createWarmer(cache, {
    name: 'bestsellers',
    keys: () => made.bestsellers(),
    load: (id) => made.cards([id]),
  });
  pool.telemetry?.observeCache(cacheReporting(cache, { name: 'product cards' }), { warmers: [bestsellers] });
  return made;
}

function cardsFrom(pool: MeasuredPool, cache: Cache): ProductCards {
  const keyOf = (id: number): string => `products:${id}`;
  return {
    categories: () =>
      cache.remember('navigation:categories', '10m', async () => {
        const { rows } = await pool.query<object>(`SELECT id, name, slug FROM categories ORDER BY name`);
        return rows;
      }),
    bestsellers: () =>
      cache.remember('bestsellers:today', '30s', async () => {
        const { rows } = await pool.query<{ id: string }>(
          `SELECT product_id AS id FROM order_items WHERE order_id > (SELECT max(id) - 200 FROM orders) GROUP BY 1 ORDER BY count(*) DESC LIMIT 12`,
        );
        return rows.map(({ id }) => Number(id));
      }),
    cards: (ids) =>
      cache.rememberMany(
        ids.map(keyOf),
        '2m',
        async (missing) => {
          const wanted = missing.map((key) => Number(key.slice(key.indexOf(':') + 1)));
          const { rows } = await pool.query<{ id: string }>(
            `SELECT id, name, price_cents, stock FROM products WHERE id = ANY ($1)`,
            [wanted],
          );
          return new Map(rows.map((row) => [keyOf(Number(row.id)), row]));
        },
        { tags: ['products'] },
      ),
    sold: (ids) => cache.delete(...ids.map(keyOf)),
  };
}
