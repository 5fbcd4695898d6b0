import { randomBytes } from 'node:crypto';
import { messageOf, PitcrewError } from '../../../errors.ts';
import { ReplicationConnection, type SystemIdentity } from '../../../engine/postgres/replication/index.ts';
import type { Snapshot } from '../fence/index.ts';
import { ChangeCollector } from './change-collector.ts';
import { Lag } from './lag.ts';
import { makePublication } from './publication.ts';
import { checkRequirements, type Problem } from './requirements.ts';
import type { Settings } from './settings.ts';
import { takeSlot } from './slot.ts';
import type { Change, Closed, PublishedTable } from './types.ts';
import { type Definitions, Watcher } from './watcher.ts';

/** What a session tells while it lasts. */
export interface SessionSink {
  opened(epoch: string, snapshot: Snapshot, tables: ReadonlyMap<number, PublishedTable>): void;
  changed(change: Change): void;
  noted(snapshot: Snapshot): void;
  closed(why: Closed, reason: string): void;
}

/** A question may take that long, in ms. */
const ANSWER_MS = 15_000;
/** After the server has said that it is not there yet, in ms. */
const ASK_AGAIN_MS = 10;
/**
 * When nothing at all has come for so many times `maxLagMs`, though the server is asked all the time, the connection is given up: something
 * between has forgotten it. By default that is longer than `wal_sender_timeout`, within which a busy sender says that it is there.
 */
const SILENT_LAGS = 45;
/** The comparison of definitions takes the server a twentieth of the time at most, and is never later than this, in ms. */
const SCHEMA_SHARE = 20;
const SCHEMA_LATEST_MS = 10_000;

/** One stretch of the stream: from connecting until something breaks. */
export class StreamSession {
  readonly #settings: Settings;
  readonly #sink: SessionSink;
  #lag = new Lag(performance.now());
  readonly #over = Promise.withResolvers<Error | undefined>();
  #watcher: Watcher | undefined;
  #replication: ReplicationConnection | undefined;
  #collector: ChangeCollector | undefined;
  #identity: SystemIdentity | undefined;
  #definitions: Definitions | undefined;
  #state: 'open' | Closed = 'starting';
  #leftOut: readonly Problem[] = [];
  /** When definitions were last compared, what they took, and up to which transaction they were known then. */
  #compared = { at: 0, tookMs: 0, xmax: 0 };
  /** When something came last. */
  #heardAt = 0;
  #wake = (): void => {};
  #lateness: NodeJS.Timeout | undefined;
  #askAgain: NodeJS.Timeout | undefined;
  /** Until running transactions are over. */
  #takingSlot = false;
  #ended = false;

  constructor(settings: Settings, sink: SessionSink) {
    this.#settings = settings;
    this.#sink = sink;
  }

  get lagMs(): number {
    return this.#lag.ms(performance.now());
  }

  get schemaCheckMs(): number {
    return this.#compared.tookMs;
  }

  get schemaEveryMs(): number {
    return Math.max(this.#settings.schemaEveryMs, Math.min(SCHEMA_LATEST_MS, this.#compared.tookMs * SCHEMA_SHARE));
  }

  get tables(): number {
    return this.#definitions?.tables.size ?? 0;
  }

  get notes(): string[] {
    return [...this.#leftOut, ...(this.#definitions?.problems ?? [])].map(({ message, hint }) => `${message}. ${hint}`);
  }

  /**
   * Connects and begins to tell. Takes as long as the longest transaction that has written something by now.
   * @throws {PitcrewError} `E_UNSUPPORTED` with all that stands in the way.
   */
  async start(): Promise<void> {
    try {
      await this.#connect();
    } finally {
      // It was closed while one of the connections was being made.
      if (this.#ended) await this.close();
    }
  }

  async #connect(): Promise<void> {
    const { connection, publication, createPublication, permanentSlot } = this.#settings;
    // Always under this name: under that of a standby it would count as one.
    const config = { ...(await connection()), application_name: 'pitcrew change stream' };
    await this.#stillWanted();
    const watcher = (this.#watcher = await Watcher.open(config, ANSWER_MS, (error) => this.end(error)));
    const found = await checkRequirements(watcher.client, this.#settings);
    if (found.problems.length > 0) throw refusal(found.problems);
    if (createPublication) {
      this.#leftOut = await makePublication(watcher.client, publication, createPublication, found);
    }
    await this.#stillWanted();
    const replication = (this.#replication = await ReplicationConnection.open(config));
    this.#identity = await replication.identify();
    this.#takingSlot = true;
    const slot = await takeSlot(replication, permanentSlot, found);
    this.#takingSlot = false;
    this.#definitions = await watcher.definitions(publication);
    const collector = (this.#collector = this.#collect(this.#definitions.snapshot.xmax));
    await replication.start(
      { slot, publications: [publication] },
      {
        message: (bytes, at) => {
          this.#heardAt = performance.now();
          collector.message(bytes, at);
        },
        reached: (walEnd) => {
          this.#heardAt = performance.now();
          this.#reached(walEnd);
        },
        ended: (error) => this.end(error ?? new Error('the server has ended the stream')),
      },
    );
    await this.#stillWanted();
    // Nothing that is kept is older than this.
    this.#lag = new Lag(performance.now());
    this.#heardAt = performance.now();
    // Snapshots of the epoch are taken after the stream has begun, so that nothing lies between.
    await this.#open();
    const everyMs = Math.min(this.#settings.watchEveryMs, this.#settings.maxLagMs / 4);
    this.#lateness = setInterval(() => this.#lookWhetherLate(), everyMs).unref();
    watcher.unref();
    replication.unref();
    void this.#watch();
  }

  async #stillWanted(): Promise<void> {
    if (this.#ended) throw (await this.#over.promise) ?? new Error('closed');
  }

  /** Resolves when it is over, with why. */
  get over(): Promise<Error | undefined> {
    return this.#over.promise;
  }

  /** Ends it; nothing more is told. */
  end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#state = 'lost';
    clearInterval(this.#lateness);
    clearTimeout(this.#askAgain);
    this.#wake();
    this.#over.resolve(error);
  }

  /** Ends it, and both connections. */
  async close(): Promise<void> {
    this.end(undefined);
    const processId = this.#replication?.processId;
    if (this.#takingSlot && processId) await this.#watcher?.cancel(processId);
    await Promise.all([this.#replication?.close(), this.#watcher?.close()]);
  }

  #collect(near: number): ChangeCollector {
    return new ChangeCollector(near, {
      keysPerTable: this.#settings.keysPerTable,
      keyColumns: (oid) => this.#definitions?.tables.get(oid)?.keyColumns,
      changed: (change) => {
        if (this.#ended || this.#state === 'starting') return;
        this.#sink.changed(change);
        if (change.ddl) this.#close('schema', 'the definition of a table was changed');
      },
      committed: (endLsn) => {
        this.#replication?.confirm(endLsn);
        this.#lag.reached(endLsn);
      },
    });
  }

  #reached(walEnd: bigint): void {
    // Within a transaction, what comes after is not told yet.
    if (this.#ended || this.#collector?.inTransaction !== false) return;
    this.#replication?.confirm(walEnd);
    this.#lag.reached(walEnd);
    if (!this.#lag.behind) return;
    clearTimeout(this.#askAgain);
    this.#askAgain = setTimeout(() => this.#replication?.ask(), ASK_AGAIN_MS).unref();
  }

  /** Begins an epoch with definitions and a snapshot as of now. */
  async #open(): Promise<void> {
    const watcher = this.#watcher;
    if (!watcher || this.#ended) return;
    const definitions = await this.#timed(() => watcher.definitions(this.#settings.publication));
    if (this.#ended) return;
    this.#definitions = definitions;
    this.#state = 'open';
    const { systemId, timeline } = this.#identity ?? { systemId: '', timeline: 0 };
    const epoch = `${systemId}.${timeline}.${randomBytes(6).toString('hex')}`;
    this.#sink.opened(epoch, definitions.snapshot, definitions.tables);
  }

  #close(why: 'late' | 'schema', reason: string): void {
    if (this.#ended || this.#state !== 'open') return;
    this.#state = why;
    this.#sink.closed(why, reason);
    this.#wake();
  }

  #lookWhetherLate(): void {
    const { maxLagMs } = this.#settings;
    const lagMs = Math.round(this.lagMs);
    if (lagMs > maxLagMs) this.#close('late', `the stream is ${lagMs} ms behind, more than ${maxLagMs} ms`);
    const silentMs = Math.round(performance.now() - this.#heardAt);
    if (silentMs > maxLagMs * SILENT_LAGS) this.end(new Error(`nothing has come for ${silentMs} ms`));
  }

  async #watch(): Promise<void> {
    try {
      while (!this.#ended) {
        await this.#look();
        await this.#pause(this.#state === 'schema' ? 0 : this.#settings.watchEveryMs);
      }
    } catch (error) {
      this.end(error instanceof Error ? error : new Error(messageOf(error)));
    }
  }

  async #look(): Promise<void> {
    const watcher = this.#watcher;
    if (!watcher) return;
    const askedAt = performance.now();
    const { insertLsn, snapshot } = await watcher.standing();
    if (this.#ended) return;
    this.#lag.marked(insertLsn, askedAt);
    this.#replication?.ask();
    const { maxLagMs } = this.#settings;
    if (this.#state === 'open') {
      this.#sink.noted(snapshot);
      await this.#compare(watcher, snapshot);
    } else if (this.#state === 'schema' || this.lagMs < maxLagMs / 2) await this.#open();
    if (this.#lag.behind && this.lagMs > maxLagMs / 2 && this.#collector?.inTransaction === false)
      await watcher.nudge();
  }

  /** Definitions only change by transactions. */
  async #compare(watcher: Watcher, snapshot: Snapshot): Promise<void> {
    const { at, xmax } = this.#compared;
    if (snapshot.xmax === xmax || performance.now() - at < this.schemaEveryMs) return;
    const { text } = await this.#timed(() => watcher.definitionsText());
    // Opened anew while it is open: what was kept goes without a moment in between.
    if (text !== this.#definitions?.text && !this.#ended) await this.#open();
  }

  async #timed<Known extends { snapshot: Snapshot }>(look: () => Promise<Known>): Promise<Known> {
    const at = performance.now();
    const known = await look();
    this.#compared = { at, tookMs: performance.now() - at, xmax: known.snapshot.xmax };
    return known;
  }

  async #pause(ms: number): Promise<void> {
    if (this.#ended) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function refusal(problems: readonly Problem[]): PitcrewError {
  return new PitcrewError('E_UNSUPPORTED', 'the changes of the database cannot be read', {
    detail: `${problems.map(({ message }) => message).join('; ')}.`,
    hint: problems.map(({ hint }) => hint).join(' '),
  });
}
