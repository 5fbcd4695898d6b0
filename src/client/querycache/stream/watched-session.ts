import { messageOf } from '../../../errors.ts';
import type { Snapshot } from '../fence/index.ts';
import type { Settings } from './settings.ts';
import type { Change, Closed, PublishedTable } from './types.ts';
import type { Definitions, Watcher } from './watcher.ts';

/** What a session tells while it lasts. */
export interface SessionSink {
  opened(epoch: string, snapshot: Snapshot, tables: ReadonlyMap<number, PublishedTable>): void;
  changed(change: Change): void;
  noted(snapshot: Snapshot): void;
  closed(why: Closed, reason: string): void;
}

/** How often is looked, and what is late. */
export type WatchSettings = Pick<Settings, 'maxLagMs' | 'watchEveryMs' | 'schemaEveryMs'>;

/** A question may take that long, in ms. */
export const ANSWER_MS = 15_000;
/**
 * When nothing at all has come for so many times `maxLagMs`, though the server is asked all the time, the connection is given up: something
 * between has forgotten it. By default that is longer than `wal_sender_timeout`, within which a busy sender says that it is there.
 */
const SILENT_LAGS = 45;
/** The comparison of definitions takes the server a twentieth of the time at most, and is never later than this, in ms. */
const SCHEMA_SHARE = 20;
const SCHEMA_LATEST_MS = 10_000;

/**
 * One stretch of a stream, from connecting until something breaks: a watcher looks now and then how late it is and whether definitions
 * have changed. Where changes come from is the business of those that extend it.
 */
export abstract class WatchedSession {
  protected readonly sink: SessionSink;
  protected watcher: Watcher | undefined;
  protected definitions: Definitions | undefined;
  protected state: 'open' | Closed = 'starting';
  protected ended = false;
  readonly #settings: WatchSettings;
  readonly #over = Promise.withResolvers<Error | undefined>();
  /** When definitions were last compared, what they took, and by which snapshot they were known then. */
  #compared = { at: 0, tookMs: 0, snapshot: '' };
  /** The transaction that has changed definitions last, as far as it was told which one. */
  #changedBy: number | undefined;
  /** When something came last. */
  #heardAt = 0;
  #wake = (): void => {};
  #lateness: NodeJS.Timeout | undefined;

  constructor(settings: WatchSettings, sink: SessionSink) {
    this.#settings = settings;
    this.sink = sink;
  }

  /** How long ago the last moment is of which all is known, in ms. */
  abstract get lagMs(): number;

  /** What is not told of, and what is wrong: a sentence each. */
  abstract get notes(): string[];

  /** Connects, so that changes come from then on. @throws {PitcrewError} `E_UNSUPPORTED` with all that stands in the way. */
  protected abstract connect(): Promise<void>;

  /** What is told of, and what definitions are like. */
  protected abstract readDefinitions(watcher: Watcher): Promise<Definitions>;

  /** As much of it as is compared. */
  protected abstract readText(watcher: Watcher): Promise<Pick<Definitions, 'snapshot' | 'text'>>;

  /** A name for the epoch that begins. */
  protected abstract epoch(): string;

  /** Looks where the server stands, and finds out how late the stream is. @returns what the server sees. */
  protected abstract look(watcher: Watcher): Promise<Snapshot>;

  get schemaCheckMs(): number {
    return this.#compared.tookMs;
  }

  get schemaEveryMs(): number {
    return Math.max(this.#settings.schemaEveryMs, Math.min(SCHEMA_LATEST_MS, this.#compared.tookMs * SCHEMA_SHARE));
  }

  get tables(): number {
    return this.definitions?.tables.size ?? 0;
  }

  /** Resolves when it is over, with why. */
  get over(): Promise<Error | undefined> {
    return this.#over.promise;
  }

  /**
   * Connects and begins to tell.
   * @throws {PitcrewError} `E_UNSUPPORTED` with all that stands in the way.
   */
  async start(): Promise<void> {
    try {
      await this.connect();
      await this.stillWanted();
      this.heard();
      // Snapshots of the epoch are taken after the stream has begun, so that nothing lies between.
      await this.#open();
      const everyMs = Math.min(this.#settings.watchEveryMs, this.#settings.maxLagMs / 4);
      this.#lateness = setInterval(() => this.#lookWhetherLate(), everyMs).unref();
      void this.#watch();
    } finally {
      // It was closed while one of the connections was being made.
      if (this.ended) await this.close();
    }
  }

  /** Ends it; nothing more is told. */
  end(error: Error | undefined): void {
    if (this.ended) return;
    this.ended = true;
    this.state = 'lost';
    clearInterval(this.#lateness);
    this.#wake();
    this.#over.resolve(error);
  }

  /** Ends it, and its connections. */
  abstract close(): Promise<void>;

  protected async stillWanted(): Promise<void> {
    if (this.ended) throw (await this.#over.promise) ?? new Error('closed');
  }

  /** Something has come. */
  protected heard(): void {
    this.#heardAt = performance.now();
  }

  /** Ends the epoch; another begins when it is time for it. `changedBy`: not before definitions are seen as that transaction has left them. */
  protected pauseTelling(why: 'late' | 'schema', reason: string, changedBy?: number): void {
    if (changedBy !== undefined) this.#changedBy = changedBy;
    if (this.ended || this.state !== 'open') return;
    this.state = why;
    this.sink.closed(why, reason);
    this.#wake();
  }

  /** Begins an epoch with definitions and a snapshot as of now. */
  async #open(): Promise<void> {
    const { watcher } = this;
    if (!watcher || this.ended) return;
    const definitions = await this.#timed(() => this.readDefinitions(watcher));
    if (this.ended) return;
    // A commit is in the log, and so in the stream, before others see it.
    if (this.#changedBy !== undefined && !definitions.snapshot.sees(this.#changedBy)) {
      await this.#pause(this.#settings.watchEveryMs);
      return;
    }
    this.#changedBy = undefined;
    this.definitions = definitions;
    this.state = 'open';
    this.sink.opened(this.epoch(), definitions.snapshot, definitions.tables);
  }

  #lookWhetherLate(): void {
    const { maxLagMs } = this.#settings;
    const lagMs = Math.round(this.lagMs);
    if (lagMs > maxLagMs) this.pauseTelling('late', `the stream is ${lagMs} ms behind, more than ${maxLagMs} ms`);
    const silentMs = Math.round(performance.now() - this.#heardAt);
    if (silentMs > maxLagMs * SILENT_LAGS) this.end(new Error(`nothing has come for ${silentMs} ms`));
  }

  async #watch(): Promise<void> {
    try {
      while (!this.ended) {
        await this.#look();
        await this.#pause(this.state === 'schema' ? 0 : this.#settings.watchEveryMs);
      }
    } catch (error) {
      this.end(error instanceof Error ? error : new Error(messageOf(error)));
    }
  }

  async #look(): Promise<void> {
    const { watcher } = this;
    if (!watcher) return;
    const snapshot = await this.look(watcher);
    // A process that was held hears the answer before its timers: others must not take it for up to date.
    this.#lookWhetherLate();
    if (this.ended) return;
    if (this.state === 'open') {
      this.sink.noted(snapshot);
      await this.#compare(watcher, snapshot);
    } else if (this.state === 'schema' || this.lagMs < this.#settings.maxLagMs / 2) await this.#open();
  }

  /** Definitions only change by transactions: where all that are over were over before, nothing has. */
  async #compare(watcher: Watcher, snapshot: Snapshot): Promise<void> {
    const { at, snapshot: before } = this.#compared;
    if (String(snapshot) === before || performance.now() - at < this.schemaEveryMs) return;
    const { text } = await this.#timed(() => this.readText(watcher));
    // Opened anew while it is open: what was kept goes without a moment in between.
    if (text !== this.definitions?.text && !this.ended) await this.#open();
  }

  async #timed<Known extends { snapshot: Snapshot }>(look: () => Promise<Known>): Promise<Known> {
    const at = performance.now();
    const known = await look();
    this.#compared = { at, tookMs: performance.now() - at, snapshot: String(known.snapshot) };
    return known;
  }

  async #pause(ms: number): Promise<void> {
    if (this.ended) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
