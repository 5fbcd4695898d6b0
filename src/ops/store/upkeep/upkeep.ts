import type { Pool, PoolClient } from 'pg';
import { messageOf } from '../../../errors.ts';
import { addFingerprints } from './fingerprints.ts';
import { Partitions, partitionsFor } from '../partitions.ts';
import type { Level, StoreLogger } from '../types.ts';
import { dropExpired, forgetParameters, forgetUnused } from './retention.ts';
import { rollUp } from './roll-up.ts';

const tickMs = 20_000;
const retentionEveryMs = 10 * 60_000;
const sizeEveryMs = 5 * 60_000;
const forgetEveryMs = 24 * 3_600_000;

/** What must be done again and again beside writing: roll-ups, partitions ahead, retention, the store's size. */
export class Upkeep {
  readonly #pool: Pool;
  readonly #levels: readonly Level[];
  readonly #logger: StoreLogger | undefined;
  readonly #partitions = new Partitions();
  readonly #done = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #running: Promise<void> | undefined;
  #complaint: string | undefined;
  #fingerprinting: Promise<void> | undefined;
  /** Texts came while fingerprints were worked out. */
  #moreTexts = false;
  bytes: number | undefined;

  constructor(pool: Pool, levels: readonly Level[], logger: StoreLogger | undefined) {
    this.#pool = pool;
    this.#levels = levels;
    this.#logger = logger;
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), tickMs).unref();
    this.#tick();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopped = true;
    await Promise.all([this.#running, this.#fingerprinting]);
  }

  /** To be called when statements came that have no fingerprint yet. */
  addFingerprints(): void {
    this.#moreTexts = true;
    if (this.#stopped) return;
    this.#fingerprinting ??= this.#addFingerprints().finally(() => {
      this.#fingerprinting = undefined;
    });
  }

  async #addFingerprints(): Promise<void> {
    while (this.#moreTexts && !this.#stopped) {
      this.#moreTexts = false;
      try {
        await this.#withClient(addFingerprints);
      } catch (error) {
        // The next tick tries again.
        this.#complain(error, 'statements cannot be joined with what applications report; tried again later');
      }
    }
  }

  #complain(error: unknown, message: string): void {
    const reason = messageOf(error);
    // Once per reason: an outage is told by the writer already.
    if (reason !== this.#complaint) this.#logger?.info({ reason }, message);
    this.#complaint = reason;
  }

  async #withClient<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    const client = await this.#pool.connect();
    try {
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  #tick(): void {
    this.addFingerprints();
    this.#running ??= this.run(Date.now())
      .then(() => {
        this.#complaint = undefined;
      })
      .catch((error: unknown) => {
        this.#partitions.forget();
        this.#complain(error, "upkeep of the store's history failed; tried again later");
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  /** One round at `now` (ms since 1970). */
  run(now: number): Promise<void> {
    return this.#withClient(async (client) => {
      await this.#partitions.ensure(client, partitionsFor(now));
      await rollUp(client, this.#partitions, now);
      await this.#every('retention', retentionEveryMs, now, async () => {
        if ((await dropExpired(client, this.#levels, now, this.#logger)) > 0) this.#partitions.forget();
        await forgetParameters(client, now);
      });
      await this.#every('forget', forgetEveryMs, now, () => forgetUnused(client, this.#levels, now));
      await this.#every('size', sizeEveryMs, now, async () => {
        this.bytes = await sizeOf(client);
      });
    });
  }

  async #every(task: string, periodMs: number, now: number, work: () => Promise<void>): Promise<void> {
    if (now - (this.#done.get(task) ?? -Infinity) < periodMs) return;
    await work();
    this.#done.set(task, now);
  }
}

async function sizeOf(client: PoolClient): Promise<number | undefined> {
  const { rows } = await client.query<{ bytes: number | null }>(`
    SELECT sum(pg_total_relation_size(oid))::double precision AS bytes
    FROM   pg_catalog.pg_class
    WHERE  relnamespace = to_regnamespace('pitcrew') AND relkind = 'r'`);
  return rows[0]?.bytes ?? undefined;
}
