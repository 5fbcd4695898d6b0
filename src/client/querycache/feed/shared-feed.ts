import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { messageOf } from '../../../errors.ts';
import type { CacheTier } from '../../cache/index.ts';
import type { ChangeStreamStats, StreamEvent } from '../stream/index.ts';
import type { ChangeSource, LearntBy, OpenSource } from './change-source.ts';
import { Follower, type PublishedTables } from './follower.ts';
import { readNote } from './notes.ts';
import { Publisher, type StoredTables, tablesKey } from './publisher.ts';
import { type Seat, takeSeat } from './seat.ts';

export interface SharedFeedOptions {
  tier: CacheTier;
  /** Tells the database from others whose results are in the same tier. */
  database: string;
  /** How to connect to the primary. */
  connection: () => Promise<pg.ClientConfig>;
  /** What is read from when it falls to this process to read. */
  source: OpenSource;
  listener: (event: StreamEvent) => void;
  /** Another process wants what was read from these tables to be forgotten. */
  givenUp: (tables: ReadonlySet<number> | 'all') => void;
  /** How many changes the listener has been told. */
  mark: () => number;
  maxLagMs: number;
}

/** Between looks whether anybody reads, in ms, less a random part. */
const lookEveryMs = 1000;
/** While there is nothing to follow, those who do are told why, every so many ms. */
const remindEveryMs = 1000;

/**
 * The changes of a database for all processes that share a tier: one of them reads, and passes on what it reads. When it dies, or cannot be
 * heard any more, another one takes its place.
 */
export class SharedFeed implements ChangeSource {
  readonly #options: SharedFeedOptions;
  readonly #follower: Follower;
  readonly #publisher: Publisher;
  readonly #stopped = new AbortController();
  #source: ChangeSource | undefined;
  #running: Promise<void> | undefined;
  #state: ChangeStreamStats['state'] = 'ended';
  #reason: string | undefined = 'not started';
  #epoch: string | undefined;
  #by: LearntBy = 'stream';
  #tables = 0;
  #transactions = 0;
  #lastXid: number | undefined;
  #epochs = 0;

  constructor(options: SharedFeedOptions) {
    this.#options = options;
    const { tier, database, mark } = options;
    this.#publisher = new Publisher(tier, database, mark);
    this.#follower = new Follower({
      tell: (event) => this.#tell(event),
      tablesOf: (epoch) => this.#tablesOf(epoch),
    });
    tier.onHeard((heard) => {
      if (heard === 'unknown') {
        if (this.#source) {
          // What an application gave up by hand elsewhere may have been missed.
          options.givenUp('all');
          this.#publisher.tierLost();
        } else this.#follower.lost('something that another process told was missed');
        return;
      }
      for (const each of heard) {
        const note = each.kind === 'note' ? readNote(database, each.text) : undefined;
        if (note?.kind === 'given up') options.givenUp(note.oids === 'all' ? 'all' : new Set(note.oids));
        // Who reads itself is not told by others, if there should be two for a moment.
        else if (note && !this.#source) this.#follower.heard(note);
      }
    });
  }

  /** This process reads for the others. */
  get isReader(): boolean {
    return this.#source !== undefined;
  }

  /**
   * What the tier gives lacks nothing that the listener had been told by this mark; `undefined` while that is not known, and nothing
   * of the tier is to be used.
   */
  get sharedMark(): number | undefined {
    return this.#source ? this.#publisher.sharedMark : this.#options.mark();
  }

  get by(): LearntBy {
    return this.#source?.by ?? this.#by;
  }

  get lagMs(): number {
    if (this.#source) return this.#source.lagMs;
    return this.#state === 'open' ? performance.now() - this.#follower.beatAt : Infinity;
  }

  async start(): Promise<ChangeStreamStats> {
    this.#state = 'starting';
    this.#reason = 'looking for a process that reads the changes';
    const tried = Promise.withResolvers<void>();
    this.#running ??= this.#run(tried.resolve);
    await tried.promise;
    return this.stats();
  }

  stats(): ChangeStreamStats {
    // What was counted goes on when another process takes over, or this one does.
    const counted = { transactions: this.#transactions, epochs: this.#epochs };
    if (this.#source) return { ...this.#source.stats(), ...counted };
    const lagMs = this.lagMs;
    return {
      state: this.#state,
      reason: this.#reason,
      epoch: this.#epoch,
      lagMs: lagMs === Infinity ? undefined : lagMs,
      tables: this.#tables,
      notes: [],
      ...counted,
      schemaCheckMs: undefined,
      schemaLatenessMs: 0,
    };
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    this.#tell({ type: 'closed', why: 'ended', reason: 'closed' });
  }

  async #run(tried: () => void): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      if (this.#isSilent) {
        const seat = await this.#takeSeat();
        if (seat) await this.#read(seat, tried);
      }
      tried();
      await delay(lookEveryMs * (0.5 + Math.random() / 2), undefined, { signal, ref: false }).catch(() => {});
    }
    tried();
  }

  /** Nobody has been heard who reads. */
  get #isSilent(): boolean {
    return performance.now() - this.#follower.beatAt > this.#options.maxLagMs;
  }

  async #takeSeat(): Promise<Seat | undefined> {
    try {
      return await takeSeat(await this.#options.connection(), this.#options.database);
    } catch (error) {
      this.#tell({ type: 'closed', why: 'lost', reason: messageOf(error) });
      return undefined;
    }
  }

  /** Until the seat is lost, or this is closed. */
  async #read(seat: Seat, tried: () => void): Promise<void> {
    const source = this.#options.source((event) => {
      this.#tell(event);
      this.#publisher.told(event, source.by);
    });
    this.#source = source;
    const remind = setInterval(() => this.#remind(source), remindEveryMs).unref();
    const stopped = new Promise<void>((resolve) => {
      if (this.#stopped.signal.aborted) resolve();
      else this.#stopped.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    try {
      await Promise.race([source.start().then(tried), seat.lost, stopped]);
      await Promise.race([seat.lost, stopped]);
    } finally {
      clearInterval(remind);
      await source.close();
      this.#source = undefined;
      await seat.leave();
    }
  }

  #remind(source: ChangeSource): void {
    const { state, reason = '' } = source.stats();
    if (state !== 'open') this.#publisher.closed({ why: state, reason });
  }

  #tell(event: StreamEvent): void {
    if (event.type === 'changed') {
      // Parts of one transaction come one after the other.
      if (event.xid !== this.#lastXid) this.#transactions += 1;
      this.#lastXid = event.xid;
    }
    if (event.type === 'open') {
      this.#state = 'open';
      this.#reason = undefined;
      this.#epoch = event.epoch;
      this.#epochs += 1;
      this.#tables = event.tables.size;
    } else if (event.type === 'closed') {
      const isNews = this.#state !== event.why;
      this.#state = event.why;
      this.#reason = event.reason;
      this.#epoch = undefined;
      if (!isNews) return;
    }
    this.#options.listener(event);
  }

  async #tablesOf(epoch: string): Promise<PublishedTables | undefined> {
    const entry = await this.#options.tier.get(tablesKey(this.#options.database));
    const stored = entry?.value as StoredTables | undefined;
    if (stored?.epoch !== epoch) return undefined;
    this.#by = stored.by;
    return new Map(stored.tables.map((table) => [table.oid, table]));
  }
}
