import { type Failure, failureOf, storeError, unavailable } from '../failures.ts';
import type { Partitions } from '../partitions.ts';
import type { Batch, StoreLogger, StoreStatus } from '../types.ts';
import { Dimensions } from './dimensions.ts';
import { BatchQueue, type QueueLimits } from './queue.ts';
import type { WriterSession } from './session.ts';
import { writeBatches } from './write-batches.ts';

const defaultLimits: QueueLimits = { batches: 600, bytes: 64 * 1024 * 1024 };

const firstPauseMs = 250;
const longestPauseMs = 5_000;

interface Waiter {
  resolve: () => void;
  reject: (error: Error) => void;
}

/** Writes what is appended, one transaction at a time, and goes on trying while the store is away. */
export class Writer {
  readonly #queue: BatchQueue;
  readonly #session: WriterSession;
  readonly #partitions: Partitions;
  readonly #dimensions = new Dimensions();
  readonly #logger: StoreLogger | undefined;
  readonly #onTexts: () => void;
  /** Taken from the queue and not known to be written: repeated as it is, under the same number. */
  #chunk: { batches: Batch[]; sequence: number } | undefined;
  /** Batches of a refused chunk, to be written one by one. */
  #singles: Batch[] = [];
  #sequence = 0;
  #waiters: Waiter[] = [];
  #refused: Error | undefined;
  #running = false;
  #closed = false;
  #pauseMs = firstPauseMs;
  #endPause: (() => void) | undefined;
  #state: Pick<StoreStatus, 'state' | 'message' | 'since'> = { state: 'ready', message: undefined, since: new Date() };

  /** `onTexts` is called when texts of statements were written. */
  constructor(
    session: WriterSession,
    partitions: Partitions,
    logger: StoreLogger | undefined,
    onTexts: () => void = () => undefined,
    limits = defaultLimits,
  ) {
    this.#onTexts = onTexts;
    this.#session = session;
    this.#partitions = partitions;
    this.#logger = logger;
    this.#queue = new BatchQueue(limits);
  }

  append(batch: Batch): void {
    if (this.#closed) return;
    this.#queue.add(batch);
    this.#kick();
  }

  /** Whether anything of this target is not written yet. */
  isBehind(targetId: number): boolean {
    const taken = [...(this.#chunk?.batches ?? []), ...this.#singles];
    return this.#queue.has(targetId) || taken.some((batch) => batch.targetId === targetId);
  }

  flush(): Promise<void> {
    if (this.#closed) return Promise.reject(unavailable('the store is closed'));
    const flushed = new Promise<void>((resolve, reject) => this.#waiters.push({ resolve, reject }));
    this.#endPause?.();
    this.#kick();
    return flushed;
  }

  status(): Omit<StoreStatus, 'bytes'> {
    const taken = (this.#chunk?.batches.length ?? 0) + this.#singles.length;
    return { ...this.#state, waitingBatches: this.#queue.size + taken, lostBatches: this.#queue.lost };
  }

  /** The session ended by itself: connect again even when nothing waits, to take the claims again. */
  sessionLost(error: Error): void {
    this.#failed(failureOf(error));
    this.#kick();
  }

  /** Stops; what still waits is given up. */
  close(): void {
    this.#closed = true;
    this.#endPause?.();
    this.#settle(unavailable('the store is closed'));
  }

  #kick(): void {
    if (this.#running || this.#closed) return;
    this.#running = true;
    void this.#run().finally(() => {
      this.#running = false;
      if (this.#waiters.length > 0 || this.#queue.size > 0) this.#kick();
    });
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#regain();
        if (!(await this.#writeNext())) {
          const blocked = this.#isBlocked();
          this.#settle(
            blocked ? unavailable('waiting for the right to write', { detail: this.#state.message }) : this.#refused,
          );
          if (!blocked && this.#session.lostClaims.length === 0) return;
          await this.#pause();
          continue;
        }
        this.#pauseMs = firstPauseMs;
      } catch (error) {
        if (this.#isRefused(error)) continue;
        this.#settle(storeError(error));
        await this.#pause();
      }
    }
  }

  /** Connects where needed and takes lost claims again. */
  async #regain(): Promise<void> {
    if (!this.#session.connected) {
      this.#dimensions.forget();
      this.#partitions.forget();
    }
    if (!this.#session.connected || this.#session.lostClaims.length > 0) {
      for (const targetId of await this.#session.reclaim()) {
        this.#logger?.warn({ targetId }, 'another daemon has taken over this database');
        this.giveUp(targetId);
      }
    }
    // Disk full or read-only is over only when something was written.
    if (this.#state.state === 'away' && !this.#chunk && this.#singles.length === 0 && this.#queue.size === 0)
      this.#ready();
  }

  /** Gives up what waits for a target: it stems from a time in which another daemon had it. */
  giveUp(targetId: number): void {
    this.#queue.drop(targetId);
    const isOther = (batch: Batch): boolean => batch.targetId !== targetId;
    const taken = [...(this.#chunk?.batches ?? []), ...this.#singles];
    this.#queue.countLost(taken.length - taken.filter(isOther).length);
    this.#singles = this.#singles.filter(isOther);
    if (this.#chunk) this.#chunk.batches = this.#chunk.batches.filter(isOther);
  }

  /** Writes the next batches; false when there are none that may be written. */
  async #writeNext(): Promise<boolean> {
    this.#chunk ??= this.#nextChunk();
    const chunk = this.#chunk;
    if (!chunk) return false;
    const mayWrite = (): boolean => chunk.batches.every(({ targetId }) => this.#session.holds(targetId));
    if (!mayWrite()) return false;
    await this.#session.use(async (client) => {
      // The session may have been lost and made anew while this waited for its turn.
      if (!mayWrite()) throw unavailable('the connection to the store was lost');
      const stamp = { writerId: this.#session.id, sequence: chunk.sequence };
      await writeBatches(client, this.#dimensions, this.#partitions, chunk.batches, stamp);
    });
    this.#chunk = undefined;
    this.#ready();
    if (chunk.batches.some(({ texts }) => texts && texts.length > 0)) this.#onTexts();
    return true;
  }

  #nextChunk(): { batches: Batch[]; sequence: number } | undefined {
    const single = this.#singles.shift();
    const batches = single ? [single] : this.#queue.take((targetId) => this.#session.holds(targetId));
    return batches.length > 0 ? { batches, sequence: ++this.#sequence } : undefined;
  }

  /** Whether something waits for a claim that is to be taken again; what nobody claimed is given up. */
  #isBlocked(): boolean {
    if (this.#chunk) return true;
    for (const targetId of this.#queue.targets()) {
      if (this.#session.expects(targetId)) {
        this.#setState('ready', `waiting for the right to write for target ${targetId}`);
        return true;
      }
      this.#refused = unavailable('this daemon may not write for the database', {
        detail: `target ${targetId} is not claimed`,
        hint: 'Another daemon watches it; one of them is enough.',
      });
      this.#logger?.warn({ targetId }, 'samples given up: the database is not claimed by this daemon');
      this.#queue.drop(targetId);
    }
    return false;
  }

  /** Deals with an error; true when it lies in the batches, so that the next ones may be tried at once. */
  #isRefused(error: unknown): boolean {
    const failure = failureOf(error);
    this.#dimensions.forget();
    this.#partitions.forget();
    if (failure.kind === 'data' && this.#chunk) {
      this.#refuse(this.#chunk.batches, failure);
      return true;
    }
    this.#failed(failure);
    if (failure.reconnect) this.#session.discard();
    return false;
  }

  /** A batch that the server refuses would be refused for ever: it is given up, and only it. */
  #refuse(batches: Batch[], { message }: Failure): void {
    this.#chunk = undefined;
    if (batches.length > 1) {
      this.#singles = [...batches, ...this.#singles];
      return;
    }
    this.#queue.countLost();
    const collectors = batches.map(({ collector }) => collector);
    this.#refused = unavailable('the store refused samples', { detail: message });
    this.#logger?.error({ collectors, reason: message }, 'the store refused samples; they are given up');
  }

  #failed({ kind, message }: Failure): void {
    this.#setState(kind === 'data' ? 'away' : kind, message);
  }

  #ready(): void {
    this.#setState('ready', undefined);
  }

  #setState(state: StoreStatus['state'], message: string | undefined): void {
    const before = this.#state;
    this.#state = { state, message, since: state === before.state ? before.since : new Date() };
    if (state === before.state) return;
    if (state === 'ready') this.#logger?.info({ waitingBatches: this.#queue.size }, 'the store is back');
    else this.#logger?.warn({ state, reason: message }, 'the store cannot be written; samples wait in memory');
  }

  #settle(error: Error | undefined): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    this.#refused = undefined;
    for (const { resolve, reject } of waiters) {
      if (error) reject(error);
      else resolve();
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
