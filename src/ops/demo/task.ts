import type pg from 'pg';
import type { ShopTime } from './day.ts';

/** The services of the shop, each with its own pool and name. */
export interface Services {
  /** Web pages. */
  storefront: pg.Pool;
  /** Web pages that may be a moment old, from the replica. */
  catalogue: pg.Pool;
  /** Baskets and payments. */
  checkout: pg.Pool;
  /** Sends what was ordered. */
  worker: pg.Pool;
  /** Employees' pages. */
  backOffice: pg.Pool;
  /** Reports. */
  reporting: pg.Pool;
}

/** What a task knows of the shop. */
export interface Shop extends Services {
  time(): ShopTime;
  /** A customer; some come often. */
  customer(): number;
  /** A product by Zipf's law; in a flash sale mostly the one on sale. */
  product(): number;
  cart(): number;
  /** The id of an order that exists. */
  order(): number;
  /** Waits; rejects at once when the workload is stopped. */
  pause(ms: number): Promise<void>;
}

/** Something that happens in the shop again and again. */
export interface Task {
  /** Times per second in a usual hour; the gaps are random. */
  perSecond: number;
  /** Busier with the shop (the default), or always the same. */
  steady?: boolean;
  /** Only at such times. */
  when?(time: ShopTime): boolean;
  run(shop: Shop): Promise<void>;
}

/** Runs work in a transaction; whatever fails rolls it back. */
export async function transaction(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<void>): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await work(client);
    await client.query('COMMIT');
    client.release();
  } catch (error) {
    await client.query('ROLLBACK').then(
      () => client.release(),
      () => client.release(true),
    );
    throw error;
  }
}

/** A whole number from 1 to `most`. */
export function oneOf(most: number): number {
  return 1 + Math.floor(Math.random() * most);
}
