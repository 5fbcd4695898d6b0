import type pg from 'pg';
import { answersPing, closeClient } from '../connections/connection.ts';
import { isUsable, keepAlive, onBound, onServerError, prepareValue, typesOf, wireOf } from '../driver.ts';
import { isConnectionLost, isFatal } from '../failures.ts';
import { asStatement } from '../statements/ask-before.ts';
import type { Statement } from '../statements/statement.ts';
import { type LaneListener, LaneQuery } from './lane-query.ts';
import { type LanePreparation, Preparations, unprepared } from './preparations.ts';

/** What a lane tells of its work. */
export interface LaneHost {
  prepare: boolean;
  /** A statement has ended; `serviceMs` is what the server took for it, waiting behind others apart. */
  ended(lane: Lane, query: LaneQuery, serviceMs: number): void;
  lost(lane: Lane, error: Error | undefined): void;
}

/** A turn of the event loop seldom takes longer where nobody computes for long. */
const loopTurnMs = 1;
const { nodeTiming } = performance;

/** A pipelined connection that many callers share: statements are written one behind the other, answers come in the same order. */
export class Lane {
  readonly client: pg.Client;
  /** It takes statements that change data, and no others. */
  readonly writes: boolean;
  readonly openedAt = performance.now();
  readonly #host: LaneHost;
  readonly #preparations: Preparations;
  #inFlight = 0;
  /** When the statement that the server works on now came to be its turn. */
  #headSince = 0;
  /** How long the event loop had been idle by then. */
  #headIdleMs = 0;
  #corked = false;
  #closing = false;
  #dying = false;
  #pinging = false;
  /** The server's last word in this session. */
  #fatal: Error | undefined;
  readonly #drained = Promise.withResolvers<void>();
  idleSince = performance.now();
  /** Statements sent so far. */
  uses = 0;

  constructor(client: pg.Client, writes: boolean, host: LaneHost) {
    this.client = client;
    this.writes = writes;
    this.#host = host;
    this.#preparations = new Preparations((name) => wireOf(client).close({ type: 'S', name }));
    // The server says that it ends the session before the connection ends: what is sent in between would be lost.
    onServerError(client, (error) => {
      if (!isConnectionLost(error, client)) return;
      this.#dying = true;
      if (isFatal(error)) this.#fatal = error;
    });
    onBound(client, (query) => {
      if (query instanceof LaneQuery) query.begun = true;
    });
    client.on('error', (error: Error) => this.#lost(error));
    client.on('end', () => this.#lost(undefined));
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get isOpen(): boolean {
    return !this.#closing && !this.#dying && !this.#pinging && isUsable(this.client);
  }

  /**
   * Whether nothing of a statement has happened that was sent, and lost with its connection: the server works on one after the
   * other, and has ended the session while it was at an earlier one.
   */
  leftUntouched(query: LaneQuery): boolean {
    return this.#fatal !== undefined && query.endedBy !== this.#fatal && !isUsable(this.client);
  }

  /** How long the server has worked on the statement at the head, as far as is known, in ms; 0 when there is none. */
  headMs(now: number): number {
    return this.#inFlight === 0 ? 0 : this.#knownMs(now - this.#headSince);
  }

  /**
   * What of a time the server can be blamed for: an answer may lie there for long while the application computes. Known is
   * what the event loop has waited for something to happen.
   */
  #knownMs(ms: number): number {
    return ms <= loopTurnMs ? ms : Math.min(ms, nodeTiming.idleTime - this.#headIdleMs + loopTurnMs);
  }

  /** Asks whether its peer is still there; takes no statements until it has answered. */
  async ping(): Promise<void> {
    this.#pinging = true;
    if (await answersPing(this.client)) this.idleSince = performance.now();
    this.#pinging = false;
  }

  /** Writes a statement behind those under way. Throws what preparing its values throws; then nothing was written. */
  send(statement: Statement): void {
    const query = this.#queryOf(statement, this.#listener);
    const preface = statement.preface && asStatement(statement.preface, statement, this.client);
    const before = preface && this.#queryOf(preface, this.#prefaceListener);
    const now = performance.now();
    statement.sentAt = now;
    statement.shared = true;
    if (this.#inFlight === 0) {
      this.#headSince = now;
      this.#headIdleMs = nodeTiming.idleTime;
      keepAlive(this.client, true);
    }
    this.#cork();
    for (const each of before ? [before, query] : [query]) {
      this.#inFlight += 1;
      this.uses += 1;
      this.client.query(each as never);
    }
  }

  /** Prepares the statement anew when it comes the next time. */
  forget({ statement, preparation }: LaneQuery): void {
    this.#preparations.forget(statement.record, preparation);
  }

  /** Ends the session after what is under way; new statements are not taken any more. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#inFlight > 0) await this.#drained.promise;
    await closeClient(this.client);
  }

  readonly #listener = {
    ended: (query: LaneQuery): void => {
      const now = performance.now();
      query.statement.endedAt = now;
      const serviceMs = this.#knownMs(now - Math.max(this.#headSince, query.statement.sentAt));
      this.#headSince = now;
      this.#headIdleMs = nodeTiming.idleTime;
      this.#inFlight -= 1;
      if (this.#inFlight === 0) {
        this.idleSince = now;
        keepAlive(this.client, false);
        if (this.#closing) this.#drained.resolve();
      }
      this.#host.ended(this, query, serviceMs);
    },
  };

  readonly #prefaceListener = {
    ended: ({ statement, error, result }: LaneQuery): void => {
      // The statement behind it is under way.
      this.#headSince = performance.now();
      this.#headIdleMs = nodeTiming.idleTime;
      this.#inFlight -= 1;
      if (error) statement.reject(error);
      else statement.resolve(result);
    },
  };

  #queryOf(statement: Statement, listener: LaneListener): LaneQuery {
    const values = statement.values?.map((value) => prepareValue(value));
    return new LaneQuery(statement, values, this.#preparationFor(statement), typesOf(this.client), listener);
  }

  #preparationFor({ record }: Statement): LanePreparation {
    return this.#host.prepare ? this.#preparations.of(record) : unprepared();
  }

  /**
   * Everything that callers send in one turn of the event loop goes out in one write. Answers come many at a time too, and
   * each wakes a caller who sends the next statement in the same turn: system calls are shared by all of them.
   */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    const { stream } = wireOf(this.client);
    stream.cork();
    process.nextTick(() => {
      this.#corked = false;
      stream.uncork();
    });
  }

  #lost(error: Error | undefined): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#host.lost(this, error);
  }
}
