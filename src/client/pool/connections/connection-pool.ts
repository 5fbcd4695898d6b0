import type pg from 'pg';
import { isUsable, keepAlive, onServerError } from '../driver.ts';
import { isConnectionLost, isTransientConnectFailure } from '../failures.ts';
import type { ResolvedOptions } from '../options.ts';
import { answersPing, closeClient, type OwnConnection } from './connection.ts';
import { Opener, type OpenerHost } from './opener.ts';
import { type SizeReport, Sizing } from './sizing.ts';
import { type Waiter, Waiters } from './waiters.ts';

/** What the pool of connections asks of its surroundings. */
export interface ConnectionPoolHost extends OpenerHost {
  /** The error for a waiter whose time is over. */
  timeoutError(waitedMs: number): Error;
  onClosed(client: pg.PoolClient, reason: string): void;
  onReleased(heldMs: number): void;
  /** An idle connection was lost. */
  onIdleError(error: Error, client: pg.PoolClient): void;
  /** Connections of the endpoint that are not of this pool (shared ones): they count against `max`. */
  shared(): number;
  /** Room kept for shared connections that are not open yet. */
  reserved(): number;
  /** A connection was given up for a shared one. */
  roomMade(): void;
  /** Gives up a shared connection that is not needed, or, where it is urgent, one of many; true when there was one. */
  freeShared(urgent: boolean): boolean;
}

const noAnswer = 'did not answer after being idle';
const makesRoom = 'makes room for a shared one';
/** Who has waited longer may have the room that is kept for shared connections. */
const patienceMs = 100;

/** Lends connections of one server, each to one caller at a time. */
export class ConnectionPool {
  readonly #options: ResolvedOptions;
  readonly #host: ConnectionPoolHost;
  readonly #waiters: Waiters<OwnConnection>;
  readonly #sizing: Sizing;
  readonly #opener: Opener;
  readonly #all = new Set<OwnConnection>();
  /** The last one used is lent first: what is not needed grows old. */
  readonly #idle: OwnConnection[] = [];
  #hurry: NodeJS.Timeout | undefined;
  #housekeeping: NodeJS.Timeout | undefined;
  #ending = false;
  /** Its server is not the right one any more. */
  #left = false;
  /** The next connection that comes back gives its place to a shared one. */
  #yielding = false;
  #drained = Promise.withResolvers<void>();

  constructor(options: ResolvedOptions, host: ConnectionPoolHost) {
    this.#options = options;
    this.#host = host;
    this.#sizing = new Sizing(options.min, options.max);
    this.#opener = new Opener({
      newClient: () => host.newClient(),
      prepared: (client) => host.prepared(client),
      onOpened: (client, tookMs) => {
        this.#sizing.connected(tookMs);
        this.#add(client);
        host.onOpened(client, tookMs);
      },
      onOpenFailed: (error, tookMs) => {
        host.onOpenFailed(error, tookMs);
        this.#openFailed(error);
      },
    });
    this.#waiters = new Waiters(options.connectionTimeoutMillis, (waiter) => {
      const waitedMs = performance.now() - waiter.since;
      waiter.refused(this.#opener.lastFailure ?? host.timeoutError(waitedMs));
    });
  }

  get openCount(): number {
    return this.#all.size;
  }

  get openingCount(): number {
    return this.#opener.count;
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  get waitingCount(): number {
    return this.#waiters.size;
  }

  get expiredCount(): number {
    const now = performance.now();
    return [...this.#all].filter(({ expiresAt }) => expiresAt <= now).length;
  }

  /** Connections that someone has. */
  *taken(): IterableIterator<pg.PoolClient> {
    const idle = new Set(this.#idle);
    for (const connection of this.#all) if (!idle.has(connection)) yield connection.client;
  }

  get size(): SizeReport {
    return this.#sizing.report();
  }

  /** Lends an idle connection at once, or queues. */
  acquire(waiter: Waiter<OwnConnection>): void {
    this.#sizing.arrived();
    this.#serve(waiter);
  }

  #serve(waiter: Waiter<OwnConnection>): void {
    if (this.#left && waiter.moved) {
      waiter.moved();
      return;
    }
    if (this.#waiters.size === 0) {
      const connection = this.#takeIdle();
      if (connection) {
        this.#lend(connection, waiter);
        return;
      }
    }
    this.#waiters.add(waiter);
    this.#openForWaiters();
  }

  /** Takes a waiter out of the queue; false when it is not in it any more. */
  withdraw(waiter: Waiter<OwnConnection>): boolean {
    return this.#waiters.remove(waiter);
  }

  waiting(): IterableIterator<Waiter<OwnConnection>> {
    return this.#waiters[Symbol.iterator]();
  }

  /** Takes a connection back; with a reason it is closed. */
  release(connection: OwnConnection, reason?: string): void {
    const now = performance.now();
    this.#sizing.held(now - connection.takenAt);
    this.#host.onReleased(now - connection.takenAt);
    connection.uses += 1;
    const why = reason ?? this.#outlived(connection, now) ?? this.#yielded();
    if (why !== undefined || connection.closed) {
      this.#close(connection, why ?? 'lost');
      if (why === makesRoom) this.#host.roomMade();
      this.#openForWaiters();
      return;
    }
    const next = this.#waiters.shift();
    if (next) {
      this.#lend(connection, next);
      return;
    }
    connection.idleSince = now;
    this.#rest(connection);
  }

  #rest(connection: OwnConnection): void {
    this.#idle.push(connection);
    if (this.#mayExit) keepAlive(connection.client, false);
  }

  /** Those that stay open for good do not keep the process alive, the others only until they have been idle for long enough. */
  get #mayExit(): boolean {
    return this.#options.allowExitOnIdle || this.#all.size <= this.#options.min;
  }

  /** Closes what is idle, and what is in use once it comes back. Whoever waits is served first. */
  async end(): Promise<void> {
    this.#ending = true;
    clearInterval(this.#housekeeping);
    this.#settle();
    await this.#drained.promise;
    this.#opener.stop();
    clearTimeout(this.#hurry);
  }

  /** From now on those who can go elsewhere do. */
  leave(): void {
    this.#left = true;
  }

  /** Sends those who wait elsewhere. */
  moveWaiters(): void {
    for (const waiter of this.#waiters) {
      if (waiter.moved && this.#waiters.remove(waiter)) waiter.moved();
    }
  }

  #settle(): void {
    if (!this.#ending || this.#waiters.size > 0) return;
    for (const connection of this.#idle.splice(0)) this.#close(connection, 'the pool ends');
    if (this.#all.size === 0 && this.#opener.count === 0) this.#drained.resolve();
  }

  #outlived(connection: OwnConnection, now: number): string | undefined {
    if (!isUsable(connection.client)) return 'lost';
    if (this.#ending && this.#waiters.size === 0) return 'the pool ends';
    if (connection.uses >= this.#options.maxUses) return 'maxUses reached';
    if (connection.expiresAt <= now) return 'maxLifetime reached';
    if (this.#all.size + this.#host.shared() > this.#options.max) return 'opened beyond max';
    return undefined;
  }

  #yielded(): string | undefined {
    if (!this.#yielding) return undefined;
    this.#yielding = false;
    return makesRoom;
  }

  #takeIdle(): OwnConnection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (!connection) return undefined;
      keepAlive(connection.client, true);
      const now = performance.now();
      const why = this.#outlived(connection, now);
      if (why === undefined && !connection.closed) return connection;
      this.#close(connection, why ?? 'lost');
    }
  }

  #lend(connection: OwnConnection, waiter: Waiter<OwnConnection>): void {
    connection.takenAt = performance.now();
    if (this.#needsPing(connection)) void this.#lendWhenAlive(connection, waiter);
    else waiter.granted(connection);
  }

  /** A connection can be dead without our knowing (a firewall that forgot it, a server that is gone without a FIN). */
  async #lendWhenAlive(connection: OwnConnection, waiter: Waiter<OwnConnection>): Promise<void> {
    // Whoever waits is to have time left for another connection.
    if (await answersPing(connection.client, (this.#options.connectionTimeoutMillis || Infinity) / 2)) {
      connection.idleSince = connection.takenAt = performance.now();
      waiter.granted(connection);
      return;
    }
    this.#close(connection, noAnswer);
    // The others that have been idle for so long are likely to share its fate, and each would take as long to find out.
    for (const other of this.#idle.filter((each) => this.#needsPing(each))) {
      this.#idle.splice(this.#idle.indexOf(other), 1);
      this.#close(other, noAnswer);
    }
    this.#serve(waiter);
  }

  #needsPing({ idleSince }: OwnConnection): boolean {
    const { pingAfterMillis } = this.#options;
    return pingAfterMillis > 0 && performance.now() - idleSince > pingAfterMillis;
  }

  /** A connection of the endpoint was closed: whoever waits may have one in its place. */
  roomMade(): void {
    this.#openForWaiters();
  }

  /** Gives up an idle connection, for a shared one in its place; when none is idle, the next that comes back, and false. */
  shrink(): boolean {
    const connection = this.#idle.shift();
    if (connection) this.#close(connection, makesRoom);
    else this.#yielding = true;
    return connection !== undefined;
  }

  #limit(): number {
    const { max, maxOverflow, connectionTimeoutMillis } = this.#options;
    const waitedMs = performance.now() - (this.#waiters.first?.since ?? Infinity);
    // The room for shared connections is for those who cannot wait when it is not needed for what it is meant.
    if (waitedMs < patienceMs) return max - this.#host.reserved();
    return maxOverflow > 0 && waitedMs > connectionTimeoutMillis / 2 ? max + maxOverflow : max;
  }

  #openForWaiters(): void {
    if (this.#waiters.size === 0) {
      this.#settle();
      return;
    }
    if (this.#opener.isResting) return;
    for (;;) {
      const longestWaitMs = performance.now() - (this.#waiters.first?.since ?? 0);
      if (!this.#sizing.shouldOpen(this.#waiters.size, this.#all.size, this.#opener.count, longestWaitMs)) break;
      const isFull = (): boolean => this.#all.size + this.#opener.count + this.#host.shared() >= this.#limit();
      // What is under way on a shared connection comes to its end first.
      if (isFull() && (!this.#host.freeShared(longestWaitMs >= patienceMs) || isFull())) break;
      void this.#opener.open();
    }
    this.#lookAgain();
  }

  /** Those who wait are looked at again after as long as opening a connection takes, should none have come back by then. */
  #lookAgain(): void {
    if (this.#hurry || this.#waiters.size === 0) return;
    const { meanConnectMs } = this.#sizing.report();
    this.#hurry = setTimeout(
      () => {
        this.#hurry = undefined;
        this.#openForWaiters();
      },
      Math.min(Math.max(meanConnectMs, 5), 250),
    );
  }

  #add(client: pg.PoolClient): void {
    const now = performance.now();
    const lifetimeMs = this.#options.maxLifetimeSeconds * 1000;
    const connection: OwnConnection = {
      client,
      openedAt: now,
      expiresAt: lifetimeMs === 0 ? Infinity : now + lifetimeMs * (1 - Math.random() / 10),
      idleSince: now,
      takenAt: now,
      uses: 0,
      closed: false,
    };
    this.#all.add(connection);
    // The server says that it ends the session before the connection ends: nobody must get it in between.
    onServerError(client, (error) => {
      if (isConnectionLost(error, client)) connection.closed = true;
    });
    client.on('error', (error: Error) => this.#lost(connection, error));
    client.on('end', () => this.#lost(connection, undefined));
    this.#startHousekeeping();
    const waiter = this.#waiters.shift();
    if (waiter) {
      waiter.granted(connection);
    } else {
      this.#rest(connection);
    }
    this.#openForWaiters();
  }

  /** The session ended by itself. Its holder learns of it by the statement that fails, and gives it back. */
  #lost(connection: OwnConnection, error: Error | undefined): void {
    connection.closed = true;
    const at = this.#idle.indexOf(connection);
    if (at < 0) return;
    this.#idle.splice(at, 1);
    this.#close(connection, 'lost');
    if (error) this.#host.onIdleError(error, connection.client);
  }

  #openFailed(error: Error): void {
    if (this.#waiters.size === 0) {
      this.#settle();
      return;
    }
    const hopeMs = isTransientConnectFailure(error) && !this.#ending ? this.#options.failoverTimeoutMillis : 0;
    const now = performance.now();
    // Whoever can still be served by connections that are in use goes on waiting for them.
    for (const waiter of this.#waiters) {
      if (this.#all.size > 0 || waiter.since + hopeMs > now) continue;
      this.#waiters.remove(waiter);
      waiter.refused(error);
    }
    if (this.#waiters.size > 0) this.#opener.rest(() => this.#openForWaiters());
    else this.#settle();
  }

  #close(connection: OwnConnection, reason: string): void {
    connection.closed = true;
    if (!this.#all.delete(connection)) return;
    if (this.#mayExit) for (const { client } of this.#idle) keepAlive(client, false);
    void closeClient(connection.client).then(() => {
      this.#host.onClosed(connection.client, reason);
      this.#settle();
    });
  }

  #startHousekeeping(): void {
    if (this.#housekeeping || this.#ending) return;
    this.#housekeeping = setInterval(() => this.#tidy(), 1000);
    this.#housekeeping.unref();
  }

  /** Once a second: closes what was idle for too long or is too old. */
  #tidy(): void {
    const now = performance.now();
    this.#sizing.measure(now);
    const { min, idleTimeoutMillis } = this.#options;
    const { target } = this.#sizing.report();
    for (const connection of this.#idle.slice()) {
      const idleMs = now - connection.idleSince;
      // Above what the load needs a third of the time is enough.
      const limitMs = this.#all.size > target ? idleTimeoutMillis / 3 : idleTimeoutMillis;
      const tooLong = idleTimeoutMillis > 0 && this.#all.size > min && idleMs >= limitMs;
      if (!tooLong && connection.expiresAt > now) continue;
      this.#idle.splice(this.#idle.indexOf(connection), 1);
      this.#close(connection, tooLong ? 'idle' : 'maxLifetime reached');
    }
    if (this.#all.size === 0 && this.#waiters.size === 0) {
      clearInterval(this.#housekeeping);
      this.#housekeeping = undefined;
    }
  }
}
