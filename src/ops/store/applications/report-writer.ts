import type { Pool } from 'pg';
import { failureOf, unavailable } from '../failures.ts';
import { Partitions } from '../partitions.ts';
import type { StoreLogger } from '../types.ts';
import { ApplicationNames } from './names.ts';
import type { ReceivedReport } from './types.ts';
import { writeReports } from './write-reports.ts';

/** Of reports that wait, in memory. */
const mostWaitingBytes = 32 * 1024 * 1024;
/** Reports of one transaction, which are added up before they are written. */
const chunkReports = 50;
const firstPauseMs = 250;
const longestPauseMs = 5000;

interface Waiting {
  received: ReceivedReport;
  bytes: number;
  /** Tells the sender whether it is written; later calls mean nothing. */
  tell: (written: boolean) => void;
}

/**
 * Writes reports of applications, as many at once as came while the last ones were written, and goes on trying while the
 * store is away. They need no claim, since each is known by its number: any daemon may take them.
 */
export class ReportWriter {
  readonly #pool: Pool;
  readonly #logger: StoreLogger | undefined;
  readonly #names = new ApplicationNames();
  readonly #partitions = new Partitions();
  #waiting: Waiting[] = [];
  /** The first so many of those that wait are being written. */
  #writing = 0;
  /** After a refusal the reports of a chunk are tried one by one: so many are left. */
  #singly = 0;
  #bytes = 0;
  #lost = 0;
  #running = false;
  #closed = false;
  #pauseMs = firstPauseMs;
  #endPause: (() => void) | undefined;
  /** Ends with the present attempt, or with the last one when nothing waits. */
  #attempt: Promise<void> = Promise.resolve();

  constructor(pool: Pool, logger: StoreLogger | undefined) {
    this.#pool = pool;
    this.#logger = logger;
  }

  /** Reports that wait to be written, and how many were given up. */
  get status(): { waiting: number; lost: number } {
    return { waiting: this.#waiting.length, lost: this.#lost };
  }

  /**
   * Queues a report; when too many wait the oldest are given up. True once it is written; false when that
   * cannot be now: the store is away and it waits, or refuses it.
   */
  append(received: ReceivedReport): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    const bytes = sizeOf(received);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#waiting.push({ received, bytes, tell: resolve });
    this.#bytes += bytes;
    while (this.#bytes > mostWaitingBytes && this.#waiting.length > this.#writing + 1) this.#giveUp(this.#writing);
    this.#kick();
    return promise;
  }

  /**
   * Resolves when everything that waits is written.
   * @throws {PitcrewError} `E_STORE_UNAVAILABLE` when it cannot be written now.
   */
  async flush(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const last = this.#waiting.at(-1);
    if (!last) return;
    const { tell } = last;
    last.tell = (written) => {
      tell(written);
      resolve(written);
    };
    this.#endPause?.();
    this.#kick();
    if (!(await promise)) throw unavailable('reports of applications cannot be written now');
  }

  /** Stops once the present attempt has ended; what still waits is given up. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#endPause?.();
    await this.#attempt;
    while (this.#waiting.length > 0) this.#giveUp(0);
  }

  #kick(): void {
    if (this.#running || this.#closed) return;
    this.#running = true;
    void this.#run().finally(() => {
      this.#running = false;
      if (this.#waiting.length > 0) this.#kick();
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#closed) {
      this.#writing = Math.min(this.#waiting.length, this.#singly > 0 ? 1 : chunkReports);
      const chunk = this.#waiting.slice(0, this.#writing);
      const written = this.#write(chunk.map(({ received }) => received));
      this.#attempt = written.then(
        () => undefined,
        () => undefined,
      );
      try {
        await written;
        this.#pauseMs = firstPauseMs;
        this.#singly = Math.max(0, this.#singly - this.#writing);
        for (const { bytes, tell } of this.#waiting.splice(0, this.#writing)) {
          this.#bytes -= bytes;
          tell(true);
        }
      } catch (error) {
        await this.#failed(error);
      } finally {
        this.#writing = 0;
      }
    }
  }

  async #write(received: ReceivedReport[]): Promise<void> {
    const client = await this.#pool.connect();
    try {
      await writeReports(client, this.#names, this.#partitions, received);
      client.release();
    } catch (error) {
      client.release(failureOf(error).reconnect);
      throw error;
    }
  }

  /** What the server refuses it would refuse for ever: it is given up, and only it. Otherwise it is tried again later. */
  async #failed(error: unknown): Promise<void> {
    this.#names.forget();
    this.#partitions.forget();
    const { kind, message } = failureOf(error);
    if (kind === 'data' && this.#writing > 1) {
      this.#singly = this.#writing;
      return;
    }
    if (kind === 'data') {
      this.#logger?.error({ reason: message }, 'the store refused the report of an application; it is given up');
      this.#giveUp(0);
      this.#singly = Math.max(0, this.#singly - 1);
      return;
    }
    for (const { tell } of this.#waiting) tell(false);
    await this.#pause();
  }

  #giveUp(index: number): void {
    for (const { bytes, tell } of this.#waiting.splice(index, 1)) {
      this.#bytes -= bytes;
      this.#lost += 1;
      tell(false);
    }
  }

  /** Waits before the next attempt, each time longer; `flush` and `close` end it. */
  #pause(): Promise<void> {
    const ms = this.#pauseMs * (0.75 + Math.random() / 2);
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      timer.unref();
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Memory that a report takes, roughly. */
function sizeOf({ report }: ReceivedReport): number {
  const activities = [...report.scopes, ...report.timers].reduce(
    (sum, { histogram }) => sum + 500 + 80 * histogram.length,
    0,
  );
  const statements = report.statements.reduce(
    (sum, { text, histogram, callSites, scopes, parameters }) =>
      sum +
      300 +
      2 * text.length +
      80 * histogram.length +
      300 * (callSites.length + scopes.length) +
      2 * (parameters.length > 0 ? JSON.stringify(parameters).length : 0),
    0,
  );
  const caches = report.caches.reduce((sum, { groups, tiers }) => sum + 1000 + 200 * (groups.length + tiers.length), 0);
  return 1000 + statements + activities + caches + 400 * (report.repeated.length + report.pool.length);
}
