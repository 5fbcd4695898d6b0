import { setTimeout as delay } from 'node:timers/promises';
import { createPool, type MeasuredPool } from '../../client/create-pool.ts';
import type { QueryCacheOptions } from '../../client/querycache/index.ts';
import { runInScope } from '../../client/scope.ts';
import { messageOf } from '../../errors.ts';
import { backOfficeTasks } from './back-office.ts';
import { shopTime } from './day.ts';
import { productCards } from './product-cards.ts';
import type { ShopSize } from './seed.ts';
import { storefrontTasks } from './storefront.ts';
import { oneOf, type Services, type Shop, type Task } from './task.ts';
import { troubleTasks } from './trouble.ts';

export interface WorkloadOptions {
  /** URL of the shop for a role, on the primary or the replica. */
  url(role: string, server: 'primary' | 'replica'): string;
  size: ShopSize;
  /** How busy the shop is, beside 1 for its usual 100 to 250 statements a second. */
  rate?: number;
  /** Where its services report what they measure. */
  report?: ShopReports;
  /** What happens in the shop; everything by default. */
  tasks?: Task[];
}

/** A daemon, with the names under which it watches the shop's servers. */
export interface ShopReports {
  url: string;
  token?: string | undefined;
  databases: Record<'primary' | 'replica', string>;
}

/** What was done since the start. */
export interface Counts {
  done: number;
  failed: number;
  /** How often each error came, by SQLSTATE or Node's code. */
  errors: Record<string, number>;
}

export interface Workload {
  counts(): Counts;
  /** Ends every session within moments. */
  stop(): Promise<void>;
}

/** At most so many of one task at a time: a shop whose database is slow gets no further orders. */
const AT_ONCE = 3;
const STOP_WITHIN_MS = 2000;
const allTasks: Task[] = [...storefrontTasks, ...backOfficeTasks, ...troubleTasks];

/** Sends what a shop would send, until it is stopped. Servers that go away are tried again. */
export function startWorkload({ url, size, rate = 1, report, tasks = allTasks }: WorkloadOptions): Workload {
  const began = Date.now();
  const ending = new AbortController();
  const running = new Set<Promise<void>>();
  const counts: Counts = { done: 0, failed: 0, errors: {} };
  const noteFailure = (error: unknown): void => {
    if (ending.signal.aborted) return;
    const code = error instanceof Error && 'code' in error ? String(error.code) : messageOf(error);
    counts.failed += 1;
    counts.errors[code] = (counts.errors[code] ?? 0) + 1;
  };
  const services = connect(url, report);
  const time = (): ReturnType<typeof shopTime> => shopTime(Date.now() - began);
  const shop: Shop = {
    ...services,
    time,
    cards: productCards(services.storefront),
    customer: () => 1 + Math.floor(size.customers * Math.random() ** 2.2),
    product: () => (time().flashSale && Math.random() < 0.6 ? 1 : zipf(size.products)),
    cart: () => oneOf(size.carts),
    order: () => oneOf(size.orders),
    pause: (ms) => delay(ms, undefined, { signal: ending.signal }),
  };

  async function repeat(task: Task): Promise<void> {
    let atOnce = 0;
    while (!ending.signal.aborted) {
      const perSecond = task.perSecond * rate * (task.steady ? 1 : time().load);
      // Gaps are random, as of callers who know nothing of each other. What is rare is decided anew every second, for the
      // load may have changed.
      const gap = perSecond > 1 ? -Math.log(1 - Math.random()) / perSecond : 1;
      const due = perSecond > 1 || Math.random() < perSecond;
      await delay(gap * 1000, undefined, { signal: ending.signal }).catch(() => {});
      if (!due || ending.signal.aborted || atOnce >= AT_ONCE || task.when?.(time()) === false) continue;
      atOnce += 1;
      const run = runInScope(task.name, () => task.run(shop))
        .then(() => void (counts.done += 1), noteFailure)
        .then(() => {
          atOnce -= 1;
          running.delete(run);
        });
      running.add(run);
    }
  }

  const loops = tasks.map((task) => repeat(task));
  return {
    counts: () => ({ ...counts, errors: { ...counts.errors } }),
    async stop() {
      ending.abort();
      await Promise.all(loops);
      await Promise.race([Promise.all(running), delay(STOP_WITHIN_MS)]);
      const ended = Object.values(services).map((pool: MeasuredPool) => pool.end());
      await Promise.race([Promise.all(ended), delay(STOP_WITHIN_MS)]);
    },
  };
}

function connect(url: WorkloadOptions['url'], report: ShopReports | undefined): Services {
  const pool = (
    service: string,
    role: string,
    max: number,
    server: 'primary' | 'replica' = 'primary',
    cache?: QueryCacheOptions,
  ): MeasuredPool => {
    const made = createPool({
      ...(cache && { cache }),
      connectionString: url(role, server),
      application_name: service,
      max,
      // The shop is a part of this package, and installed with it.
      telemetry: { includeCallers: ['/ops/demo/'], ignoreCallers: [/\/ops\/demo\/(task|workload)\.[jt]s$/] },
      ...(report && {
        report: { url: report.url, token: report.token, application: service, database: report.databases[server] },
      }),
    });
    // A server that goes away ends idle connections; the next statement makes a new one.
    made.on('error', () => {});
    return made;
  };
  return {
    storefront: pool('storefront', 'shop_web', 6),
    catalogue: pool('catalogue', 'shop_web', 4, 'replica', {
      tables: { categories: '10m', reviews: '2m' },
      changes: { connection: { connectionString: url('shop_changes', 'primary') } },
    }),
    checkout: pool('checkout', 'shop_web', 5),
    worker: pool('order-worker', 'shop_worker', 4),
    backOffice: pool('back-office', 'shop_web', 3),
    reporting: pool('reporting', 'shop_reports', 2),
  };
}

/** Zipf's law with exponent 1 over so many products, spread over their ids as in the seed. */
function zipf(products: number): number {
  return 1 + ((Math.floor(Math.exp(Math.random() * Math.log(products))) * 7919) % products);
}
