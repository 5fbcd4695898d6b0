import type { MeasuredPool } from '../../client/create-pool.ts';
import type { ShopTime } from './day.ts';
import type { ProductCards } from './product-cards.ts';

/** The services of the shop, each with its own pool and name. */
export interface Services {
  /** Web pages. */
  storefront: MeasuredPool;
  /** Web pages that may be a moment old, from the replica. */
  catalogue: MeasuredPool;
  /** Baskets and payments. */
  checkout: MeasuredPool;
  /** Sends what was ordered. */
  worker: MeasuredPool;
  /** Employees' pages. */
  backOffice: MeasuredPool;
  /** Reports. */
  reporting: MeasuredPool;
}

/** What a task knows of the shop. */
export interface Shop extends Services {
  time(): ShopTime;
  /** What the storefront keeps in memory. */
  cards: ProductCards;
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
  /** What kind of request or job it is. */
  name: string;
  /** Times per second in a usual hour; the gaps are random. */
  perSecond: number;
  /** Busier with the shop (the default), or always the same. */
  steady?: boolean;
  /** Only at such times. */
  when?(time: ShopTime): boolean;
  run(shop: Shop): Promise<void>;
}

/** Measures work by a timer of its service. */
export async function timed(pool: MeasuredPool, name: string, work: () => unknown): Promise<void> {
  const timer = pool.telemetry?.startTimer(name);
  try {
    await work();
  } finally {
    timer?.end();
  }
}

/** A whole number from 1 to `most`. */
export function oneOf(most: number): number {
  return 1 + Math.floor(Math.random() * most);
}
