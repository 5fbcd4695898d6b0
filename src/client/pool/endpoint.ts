import pg from 'pg';
import { PitcrewError } from '../../errors.ts';
import type { EndpointRole, PoolObserver } from '../observer.ts';
import type { OwnConnection } from './connections/connection.ts';
import { ConnectionPool } from './connections/connection-pool.ts';
import { observed } from './connections/observed-waiter.ts';
import type { Waiter } from './connections/waiters.ts';
import { resetSession } from './connections/session-reset.ts';
import { Watchdog, type Watched } from './connections/watchdog.ts';
import { destroy, isBusy } from './driver.ts';
import { outcomeUnknown, poolTimeout } from './endpoint-errors.ts';
import type { EndpointHost, EndpointStats } from './endpoint-types.ts';
import { sqlStateOf } from '../sql-state.ts';
import { isConnectionLost, isTransientConnectFailure, sqlState } from './failures.ts';
import { createHolders, type Holders } from './holders/index.ts';
import { runsAgainAlone } from './lanes/lane-failure.ts';
import type { LaneQuery } from './lanes/lane-query.ts';
import type { Lane } from './lanes/lane.ts';
import { Lanes } from './lanes/lanes.ts';
import { laneLimits, type LaneSession, openLaneSession } from './lanes/lane-session.ts';
import type { ResolvedOptions } from './options.ts';
import { OwnStatements } from './statements/own-statements.ts';
import type { StatementRecord } from './statements/record.ts';
import { type Statement, suitsLane } from './statements/statement.ts';

/** When nothing has been heard from a statement for so long, the server is asked what became of it. */
const defaultPatienceMs = 5000;
/** Only waiting for the commit (for a synchronous standby, say) can take this long on a shared connection. */
const lanePatienceMs = laneLimits.statementMs + 1000;
const refusesWrites = 'its server refuses writes';
/** A statement of which nothing has happened is tried so often at most: a server that dies takes one connection after the other with it. */
const mostAttempts = 5;

/** The connections to one server: shared ones for quick statements, own ones for all else. */
export class Endpoint {
  readonly name: string;
  readonly role: EndpointRole;
  /** Who has its connections. */
  readonly holders: Holders;
  readonly #options: ResolvedOptions;
  readonly #clientConfig: pg.ClientConfig;
  readonly #host: EndpointHost;
  readonly #observer: PoolObserver;
  readonly #connections: ConnectionPool;
  readonly #lanes: Lanes;
  /** The quickest answer of late: the way there and back, which is no fault of a statement. Known once a session could be shared. */
  #roundTripMs = Infinity;
  #session: LaneSession = { pooled: false, ownLockLimit: false, ownStatementLimit: false, roundTripMs: Infinity };
  readonly #own: OwnStatements;
  /** Those that wait for room on shared connections. */
  readonly #full = { reads: [] as Statement[], writes: [] as Statement[] };
  readonly #watchdog: Watchdog;

  constructor(
    name: string,
    role: EndpointRole,
    clientConfig: pg.ClientConfig,
    options: ResolvedOptions,
    host: EndpointHost,
  ) {
    this.name = name;
    this.role = role;
    this.#clientConfig = clientConfig;
    this.#options = options;
    this.#host = host;
    this.#observer = options.observer ?? {};
    this.holders = createHolders({
      endpoint: name,
      capacity: () => options.max - this.#lanes.openCount,
      leakDetectionMs: options.leakDetectionMillis,
      observer: options.observer,
    });
    this.#connections = new ConnectionPool(options, {
      newClient: () => new (options.Client ?? pg.Client)(clientConfig as never) as pg.Client,
      prepared: (client) => host.connected(client),
      timeoutError: (waitedMs) => {
        const error = poolTimeout(this.stats(), waitedMs, this.holders.describe());
        if (this.openCount >= options.max) this.holders.exhausted(error);
        return error;
      },
      onOpened: (_client, tookMs) => this.#opened(tookMs),
      onOpenFailed: (error, tookMs) => {
        this.#observer.connectionOpened?.(name, tookMs, error);
        host.failed(error);
      },
      onClosed: (client, reason) => {
        this.#observer.connectionClosed?.(name, reason);
        host.closed(client);
      },
      onReleased: (heldMs) => this.#observer.released?.(name, role, heldMs),
      onIdleError: (error, client) => {
        host.failed(error);
        host.idleError(error, client);
      },
      shared: () => this.#lanes.openCount,
      reserved: () => this.#lanes.missingCount,
      roomMade: () => this.#lanes.roomMade(),
      freeShared: (urgent) => this.#lanes.free(urgent),
    });
    this.#lanes = new Lanes(options, {
      openClient: () => this.#openLane(),
      hasRoom: () => this.openCount < options.max && this.waitingCount === 0,
      makeRoom: () => this.openCount < options.max || this.#connections.shrink(),
      onOpened: () => this.#divertAll(),
      onClosed: (client, reason) => {
        this.#observer.connectionClosed?.(name, reason);
        host.closed(client as pg.PoolClient);
        this.#connections.roomMade();
      },
      ended: (lane, query, serviceMs) => this.#laneEnded(lane, query, serviceMs),
    });
    this.#own = new OwnStatements(
      options.max + options.maxOverflow,
      options.laneLimitMillis,
      options.connectionTimeoutMillis,
      {
        holders: this.holders,
        acquire: (waiter) => this.acquire(waiter),
        withdraw: (waiter) => this.#connections.withdraw(waiter),
        release: (connection, reason, changed) => this.release(connection, reason, changed),
        refusal: (error) => (this.#refuses(error) ? refusesWrites : undefined),
        refused: (statement, error) => this.#refused(statement, error),
        again: (statement) => host.again(statement),
        answered: (record, tookMs) => this.#answered(record, tookMs),
        failed: (statement, error, lost) => this.#failed(statement, error, lost),
      },
    );
    this.#watchdog = new Watchdog(clientConfig, () => this.#underWay());
  }

  get openCount(): number {
    return this.#connections.openCount + this.#connections.openingCount + this.#lanes.openCount;
  }

  get idleCount(): number {
    return this.#connections.idleCount;
  }

  get waitingCount(): number {
    return this.#connections.waitingCount + this.#full.reads.length + this.#full.writes.length + this.#own.waitingCount;
  }

  get expiredCount(): number {
    return this.#connections.expiredCount;
  }

  /** Statements and connections in use: what balancing goes by. */
  get busy(): number {
    return this.#connections.openCount - this.#connections.idleCount + this.#lanes.inFlight + this.waitingCount;
  }

  /** Whoever comes now would wait until someone gives a connection back. */
  get isFull(): boolean {
    return this.waitingCount > 0 || (this.openCount >= this.#options.max && this.idleCount === 0);
  }

  stats(): EndpointStats {
    return {
      endpoint: this.name,
      role: this.role,
      open: this.#connections.openCount,
      opening: this.#connections.openingCount,
      idle: this.#connections.idleCount,
      lanes: this.#lanes.openCount,
      laneStatements: this.#lanes.inFlight,
      waiting: this.waitingCount,
      max: this.#options.max,
      size: this.#connections.size,
      slow: this.#own.slow,
    };
  }

  /** Runs a statement, shared or on a connection of its own; it answers its caller itself. */
  run(statement: Statement): void {
    // Given up while it was not known where it could go.
    if (statement.settled) return;
    const { record } = statement;
    statement.endpoint = this;
    const { lanes, laneLimitMillis } = this.#options;
    if (lanes > 0 && record.shareable && suitsLane(statement)) {
      if (record.mayShare(laneLimitMillis, statement.startedAt) && this.#share(statement)) return;
      // So that there is one when the statement is known to be quick.
      if (this.#lanes.openCount === 0) this.#lanes.want(record.writes);
    }
    this.#own.run(statement);
  }

  /** Lends a connection. The caller gives it back by `release`, and gives up waiting by calling what it is given here. */
  acquire(waiter: Waiter<OwnConnection>): () => void {
    const told = observed(waiter, this.#observer, this);
    this.#connections.acquire(told);
    return () => void this.#connections.withdraw(told);
  }

  /** @param changed its session may not be as it was */
  release(connection: OwnConnection, reason?: string, changed = false): void {
    if (reason !== undefined || !changed || !this.#options.resetOnRelease) {
      this.#connections.release(connection, reason);
    } else if (this.#host.hasHooks()) {
      this.#connections.release(connection, 'its session was changed');
    } else {
      resetSession(connection.client).then(
        () => this.#connections.release(connection),
        () => this.#connections.release(connection, 'could not be reset'),
      );
    }
  }

  async end(): Promise<void> {
    // What is stopped on a shared connection, or waits for room there, may need one of its own.
    await this.#lanes.end();
    await this.#connections.end();
    this.#watchdog.stop();
  }

  /** Its server has another role now: whoever waits goes elsewhere, what is under way is finished, then all is closed. */
  async retire(): Promise<void> {
    this.#connections.leave();
    this.#moveAway();
    await this.end();
  }

  /**
   * Its server does not answer any more, or nothing that it does counts: whoever waits goes elsewhere, and all that is under
   * way is given up, transactions between two statements included.
   */
  cut(): void {
    this.#moveAway();
    for (const client of this.#connections.taken()) destroy(client);
    for (const client of this.#lanes.working()) destroy(client);
  }

  #moveAway(): void {
    const { reads, writes } = this.#full;
    for (const statement of [...reads.splice(0), ...writes.splice(0)]) this.#host.again(statement);
    this.#own.moveWaiters();
    this.#connections.moveWaiters();
  }

  /** True when a shared connection took it, or will as soon as there is room. */
  #share(statement: Statement): boolean {
    const full = this.#fullOf(statement.record.writes);
    if (full.length === 0 && this.#send(statement)) return true;
    if (full.length === 0 && !this.#lanes.areFullFor(statement)) return false;
    full.push(statement);
    return true;
  }

  /** True when a shared connection took it, or its caller has the error of its values. */
  #send(statement: Statement): boolean {
    try {
      if (!this.#lanes.send(statement)) return false;
      statement.waiting?.ended();
      statement.attempts += 1;
      return true;
    } catch (error) {
      statement.reject(error instanceof Error ? error : new Error(String(error)));
      return true;
    }
  }

  /** Those that wait for room on shared connections; when there is none of these any more, they go their own way. */
  #refill(full: Statement[]): void {
    while (full.length > 0) {
      const [next] = full;
      if (next && !next.settled && !this.#send(next)) {
        if (this.#lanes.areFullFor(next)) return;
        this.#own.run(next);
      }
      full.shift();
    }
  }

  #fullOf(writes: boolean): Statement[] {
    return writes ? this.#full.writes : this.#full.reads;
  }

  /** A replica that cannot be reached is no reason to fail: others have the same data. */
  #refused(statement: Statement, error: Error): void {
    statement.attempts += 1;
    const elsewhere = this.role === 'replica' && this.#mayTryAgain(statement) && isTransientConnectFailure(error);
    if (elsewhere) this.#host.again(statement);
    else statement.reject(error);
  }

  /** It was answered on a connection of its own. */
  #answered(record: StatementRecord, tookMs: number): void {
    const isKnown = this.#roundTripMs < Infinity;
    // Slowly forgotten, so that a route that became longer is learnt.
    if (isKnown) this.#roundTripMs = Math.min(tookMs, this.#roundTripMs * 1.001);
    const serviceMs = isKnown ? tookMs - this.#roundTripMs : tookMs;
    record.observe(serviceMs);
    this.#own.observe(record, serviceMs);
    if (this.#connections.waitingCount > 0 && record.shareable) this.#divert(record);
  }

  #laneEnded(lane: Lane, query: LaneQuery, serviceMs: number): void {
    const { statement, error } = query;
    if (!lane.writes) this.#own.observe(statement.record, serviceMs);
    const full = this.#fullOf(lane.writes);
    if (full.length > 0) this.#refill(full);
    if (!error) {
      statement.record.observe(serviceMs - Math.min(serviceMs, this.#roundTripMs));
      statement.resolve(query.result);
      return;
    }
    if (runsAgainAlone(lane, query, error, this.#session)) {
      if (!statement.settled) this.#own.run(statement);
      return;
    }
    if (lane.leftUntouched(query) && this.#mayTryAgain(statement)) {
      this.#host.again(statement);
      return;
    }
    if (this.#refuses(error)) this.#lanes.giveUp(lane, refusesWrites);
    this.#failed(statement, error, isConnectionLost(error, lane.client));
  }

  /**
   * A server that was the primary until just now refuses writes, and has done nothing. Its sessions are not kept: behind the
   * same name there may be another server by now.
   */
  #refuses(error: Error): boolean {
    return this.role === 'primary' && sqlStateOf(error) === sqlState.readOnlyTransaction;
  }

  /** Once more in any case, and more often only where each try was soon over: nobody is to be held up by one after the other. */
  #mayTryAgain({ settled, attempts, startedAt }: Statement): boolean {
    if (settled || attempts >= mostAttempts) return false;
    return attempts < 2 || performance.now() - startedAt < 2 * this.#patienceMs;
  }

  /** Sends it again where that is safe, else tells the caller what is known of it. */
  #failed(statement: Statement, error: Error, lost: boolean): void {
    const refused = this.#refuses(error);
    const demoted = (lost || refused) && this.#host.failed(error) && refused;
    const { readOnly } = statement.record.description;
    if (((lost && readOnly) || (demoted && !readOnly)) && this.#mayTryAgain(statement)) {
      this.#host.again(statement);
      return;
    }
    statement.reject(lost && !readOnly && statement.sentAt > 0 ? outcomeUnknown(error) : error);
  }

  /** Statements that have become known as quick need not wait for connections of their own. */
  #divert(record: StatementRecord): void {
    if (!record.mayShare(this.#options.laneLimitMillis, performance.now())) return;
    this.#divertWhere((statement) => statement.record === record);
  }

  #divertAll(): void {
    const now = performance.now();
    this.#divertWhere(({ record }) => record.mayShare(this.#options.laneLimitMillis, now));
  }

  #divertWhere(which: (statement: Statement) => boolean): void {
    // Whoever has to queue again is not looked at again.
    const waiting = [...this.#connections.waiting()];
    for (const waiter of waiting) {
      if (!this.#lanes.hasRoom) return;
      const statement = this.#own.withdraw(waiter, (each) => suitsLane(each) && which(each));
      if (statement && !this.#share(statement)) this.#own.run(statement);
    }
  }

  #opened(tookMs: number): void {
    this.#watchdog.start(this.#patienceMs / 5);
    this.#observer.connectionOpened?.(this.name, tookMs, undefined);
  }

  get #patienceMs(): number {
    return this.#options.failoverTimeoutMillis || defaultPatienceMs;
  }

  *#underWay(): IterableIterator<Watched> {
    const patienceMs = this.#patienceMs;
    for (const client of this.#connections.taken()) if (isBusy(client)) yield { client, patienceMs };
    for (const client of this.#lanes.working()) yield { client, patienceMs: Math.min(patienceMs, lanePatienceMs) };
  }

  async #openLane(): Promise<pg.Client> {
    const began = performance.now();
    const { client, session } = await openLaneSession(this.#clientConfig, (opened) => this.#host.connected(opened));
    if (session.pooled) {
      this.#lanes.disable();
      void client.end();
      throw new PitcrewError('E_UNSUPPORTED', 'a pooler is in between: connections are not shared');
    }
    this.#session = session;
    this.#roundTripMs = Math.min(session.roundTripMs, this.#roundTripMs);
    this.#opened(performance.now() - began);
    return client;
  }
}
