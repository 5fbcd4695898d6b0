import { PitcrewError, toPitcrewError } from '../../../errors.ts';
import type { ChangeStreamStats, Closed, StreamEvent } from './types.ts';
import type { SessionSink, WatchedSession } from './watched-session.ts';

/** Between attempts, in ms: doubled each time, up to the longest. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 30_000;

export interface EventStreamSettings {
  readonly listener: (event: StreamEvent) => void;
  readonly watchEveryMs: number;
  readonly schemaEveryMs: number;
  /** What is done first, in words. */
  readonly starting: string;
}

/**
 * The changes of one database, by whichever client: told a moment after their commits. Connects again by itself, with a new epoch.
 */
export class EventStream {
  readonly #settings: EventStreamSettings;
  readonly #sessionOf: (sink: SessionSink) => WatchedSession;
  #session: WatchedSession | undefined;
  #state: 'open' | Closed = 'ended';
  #reason: string | undefined = 'not started';
  #epoch: string | undefined;
  #epochs = 0;
  #transactions = 0;
  #lastXid: number | undefined;
  #running: Promise<void> | undefined;
  readonly #stopped = new AbortController();

  /** @param sessionOf makes the next stretch, which has not begun yet. */
  constructor(settings: EventStreamSettings, sessionOf: (sink: SessionSink) => WatchedSession) {
    this.#settings = settings;
    this.#sessionOf = sessionOf;
  }

  /** Begins; resolves after the first attempt, whether it has succeeded or not. Never rejects. */
  async start(): Promise<ChangeStreamStats> {
    if (this.#stopped.signal.aborted) return this.stats();
    const tried = Promise.withResolvers<void>();
    this.#state = 'starting';
    this.#reason = this.#settings.starting;
    this.#running ??= this.#run(tried.resolve);
    await Promise.race([tried.promise, this.#running]);
    return this.stats();
  }

  /** How long ago the last moment is of which all is known, in ms; Infinity while nothing is known. */
  get lagMs(): number {
    return this.#state === 'open' ? (this.#session?.lagMs ?? Infinity) : Infinity;
  }

  stats(): ChangeStreamStats {
    const session = this.#session;
    return {
      state: this.#state,
      reason: this.#reason,
      epoch: this.#epoch,
      lagMs: session && session.lagMs,
      tables: session?.tables ?? 0,
      notes: session?.notes ?? [],
      transactions: this.#transactions,
      epochs: this.#epochs,
      schemaCheckMs: session && session.schemaCheckMs,
      schemaLatenessMs: (session?.schemaEveryMs ?? this.#settings.schemaEveryMs) + this.#settings.watchEveryMs,
    };
  }

  /** Ends its connections. */
  async close(): Promise<void> {
    this.#stopped.abort();
    this.#session?.end(undefined);
    await this.#running;
    this.#closed('ended', 'closed');
  }

  async #run(tried: () => void): Promise<void> {
    let waitMs = FIRST_WAIT_MS;
    while (!this.#stopped.signal.aborted) {
      const epochs = this.#epochs;
      const error = await this.#stretch(tried);
      if (this.#stopped.signal.aborted) break;
      const refused = error?.code === 'E_UNSUPPORTED' || error?.code === 'E_DATABASE_REFUSED';
      this.#closed(refused ? 'refused' : 'lost', reasonOf(error));
      tried();
      if (this.#epochs > epochs) waitMs = FIRST_WAIT_MS;
      await this.#wait(refused ? LONGEST_WAIT_MS : waitMs * (0.5 + Math.random() / 2));
      waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2);
    }
  }

  /** One stretch, until it is over. @returns why. */
  async #stretch(tried: () => void): Promise<PitcrewError | undefined> {
    const session = (this.#session = this.#sessionOf({
      opened: (epoch, snapshot, tables) => {
        this.#epoch = epoch;
        this.#epochs += 1;
        this.#state = 'open';
        this.#reason = undefined;
        this.#tell({ type: 'open', epoch, snapshot, tables });
      },
      changed: (change) => {
        // Parts of one transaction come one after the other.
        if (change.xid !== this.#lastXid) this.#transactions += 1;
        this.#lastXid = change.xid;
        this.#tell({ type: 'changed', ...change });
      },
      noted: (snapshot) => this.#tell({ type: 'snapshot', snapshot }),
      closed: (why, reason) => this.#closed(why, reason),
    }));
    try {
      const begun = session.start().then(() => {
        tried();
        return session.over;
      });
      const error = await Promise.race([begun, session.over]);
      const reason = error && toPitcrewError(error);
      // At once, before the connections are ended.
      if (!this.#stopped.signal.aborted) this.#closed('lost', reasonOf(reason));
      return reason;
    } catch (error) {
      return toPitcrewError(error);
    } finally {
      await session.close();
      this.#session = undefined;
    }
  }

  #closed(why: Closed, reason: string): void {
    const told = this.#state === why;
    this.#state = why;
    this.#reason = reason;
    this.#epoch = undefined;
    if (!told) this.#tell({ type: 'closed', why, reason });
  }

  #tell(event: StreamEvent): void {
    this.#settings.listener(event);
  }

  async #wait(ms: number): Promise<void> {
    const { signal } = this.#stopped;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, ms).unref();
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      }
      signal.addEventListener('abort', done);
    });
  }
}

function reasonOf(error: PitcrewError | undefined): string {
  if (!error) return 'the connection has ended';
  return [error.message, error.detail, error.hint].filter(Boolean).join(': ');
}
