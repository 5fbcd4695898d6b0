import { messageOf } from '../../../errors.ts';
import type { BaselineEntry, Batch, Store } from '../../store/index.ts';
import { within } from '../schedule/within.ts';
import type { CollectorName } from '../types.ts';
import type { MonitorLogger } from '../logger.ts';

/** `elsewhere`: another daemon writes this database's history. `away`: the store cannot be asked. */
export type RecordingState = 'off' | 'starting' | 'writing' | 'elsewhere' | 'away';

export interface RecorderOptions {
  name: string;
  store: Store | undefined;
  logger: MonitorLogger;
  onChange: () => void;
}

/** How often the right to write is asked for: a daemon that died is followed within seconds. */
const claimEveryMs = 3000;

/**
 * Writes the history of one database, as long as no other daemon does. Each time it gets the right to write, the
 * collectors take their baselines from the store anew, because another daemon may have counted on meanwhile.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  #state: RecordingState;
  #targetId = 0;
  /** Counts how often the right to write was won. */
  #term = 0;
  /** In which term a collector took its baseline. */
  readonly #loaded = new Map<CollectorName, number>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #asking: Promise<void> | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#state = options.store ? 'starting' : 'off';
  }

  get state(): RecordingState {
    return this.#state;
  }

  /** The store's number of the database; 0 while it is not known. */
  get targetId(): number {
    return this.#targetId;
  }

  start(): void {
    if (this.#options.store) void this.ask();
  }

  /** Asks for the right to write now. */
  ask(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
      if (this.#stopped) return;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.ask(), claimEveryMs);
      this.#timer.unref();
    });
    return this.#asking;
  }

  /**
   * To be asked before each run of a collector: whether its findings will be written. In a new term `load` gets the
   * baseline first.
   */
  async prepare(
    collector: CollectorName,
    load: (stored: ReadonlyMap<string, BaselineEntry>, store: Store) => void | Promise<void>,
  ): Promise<boolean> {
    const { store, logger, name } = this.#options;
    if (!store) return false;
    if (this.#state === 'starting') await this.ask();
    if (this.#state !== 'writing') return false;
    const term = this.#term;
    if (this.#loaded.get(collector) === term) return true;
    try {
      await load(await store.baseline(this.#targetId, collector), store);
      this.#loaded.set(collector, term);
      return true;
    } catch (error) {
      logger.warn(
        { database: name, collector, reason: messageOf(error) },
        'the baseline cannot be read from the store',
      );
      return false;
    }
  }

  /** Hands a batch to the store, unless the right to write was lost meanwhile. */
  append(collector: CollectorName, batch: Omit<Batch, 'targetId' | 'collector'>): void {
    if (this.#state !== 'writing') return;
    this.#options.store?.append({ ...batch, targetId: this.#targetId, collector });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await within(1500, this.#asking);
  }

  async #ask(): Promise<void> {
    const { store, name, logger } = this.#options;
    if (!store) return;
    try {
      if (this.#targetId === 0) this.#targetId = await store.target(name);
      const granted = await store.claim(this.#targetId);
      if (granted && this.#state !== 'writing') this.#term += 1;
      this.#set(granted ? 'writing' : 'elsewhere');
    } catch (error) {
      // While it writes, the store queues what it cannot write yet: nothing is lost by going on.
      if (this.#state === 'writing') return;
      if (this.#state !== 'away') logger.warn({ database: name, reason: messageOf(error) }, 'the store is away');
      this.#set('away');
    }
  }

  #set(state: RecordingState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onChange();
  }
}
