import type pg from 'pg';
import { keepAlive } from '../driver.ts';
import type { ResolvedOptions } from '../options.ts';
import { commitFactor } from '../statements/record.ts';
import type { Statement } from '../statements/statement.ts';
import { Lane } from './lane.ts';
import type { LaneQuery } from './lane-query.ts';

export interface LanesHost {
  /** A pipelined client that is connected and set up; rejects when the server is away or does not suit (a pooler in between). */
  openClient(): Promise<pg.Client>;
  /** `max` leaves room for one more connection, and nobody waits for one. */
  hasRoom(): boolean;
  /** Makes sure that `max` leaves room for one more connection; false when it does not. */
  makeRoom(): boolean;
  onOpened(client: pg.Client): void;
  onClosed(client: pg.Client, reason: string): void;
  ended(lane: Lane, query: LaneQuery, serviceMs: number): void;
}

/** Statements under way on one shared connection; more wait in the pool, where they can still go another way. */
const mostInFlight = 400;
/** One that had nothing to do for so long is not needed now. */
const neededAgainMs = 1000;
/** A connection whose server has worked on one statement for this much longer than is allowed is passed over. */
const stuckFactor = 4;

/** The shared connections of one server. */
export class Lanes {
  readonly #options: ResolvedOptions;
  readonly #host: LanesHost;
  readonly #open: Lane[] = [];
  /** Those that take nothing new and end what is under way on them. */
  readonly #closing = new Map<Lane, Promise<void>>();
  #opening: Promise<void> | undefined;
  /** Not tried again before: opening failed, or the server does not suit. */
  #notBefore = 0;
  #ended = false;
  /** The last one that was wanted is for statements that change data. */
  #lastWanted = false;
  /** There have been statements that could use them. */
  #wanted = false;
  #housekeeping: NodeJS.Timeout | undefined;

  constructor(options: ResolvedOptions, host: LanesHost) {
    this.#options = options;
    this.#host = host;
  }

  /** Those that are being opened or closed included: the server has them all. */
  get openCount(): number {
    return this.#open.length + (this.#opening ? 1 : 0) + this.#closing.size;
  }

  /** Those that may still be opened. */
  get missingCount(): number {
    return this.#ended || !this.#wanted ? 0 : Math.max(0, this.#options.lanes - this.openCount);
  }

  /** Connections on which statements are under way. */
  *working(): IterableIterator<pg.Client> {
    for (const lane of [...this.#open, ...this.#closing.keys()]) if (lane.inFlight > 0) yield lane.client;
  }

  get inFlight(): number {
    return this.#open.reduce((sum, lane) => sum + lane.inFlight, 0);
  }

  /** Hands a statement to the connection with least work; false when none can take it now. Throws what its values throw. */
  send(statement: Statement): boolean {
    const lane = this.#pick(statement.record.writes);
    if (!lane) return false;
    lane.send(statement);
    if (lane.uses >= this.#options.maxUses) {
      this.#open.splice(this.#open.indexOf(lane), 1);
      void this.#close(lane, 'maxUses reached');
    }
    return true;
  }

  /** One of them can take a statement now. */
  get hasRoom(): boolean {
    const now = performance.now();
    return this.#open.some((lane) => lane.isOpen && lane.inFlight < mostInFlight && !this.#isStuck(lane, now));
  }

  /** All that could take it have all they can hold, and none of it takes long: its turn comes soon. */
  areFullFor({ record }: Statement): boolean {
    const now = performance.now();
    const able = this.#open.filter(({ writes }) => writes === record.writes);
    return able.length > 0 && able.every((lane) => lane.inFlight >= mostInFlight && !this.#isStuck(lane, now));
  }

  /** Opens a connection when there should be one more, for statements that change data or for those that do not. */
  want(writes = false): void {
    this.#wanted = true;
    const { lanes, writeLanes, mostWriteLanes } = this.#options;
    const open = this.#count(writes);
    if (this.#ended || this.#opening || open >= (writes ? mostWriteLanes : lanes)) return;
    if (performance.now() < this.#notBefore) return;
    this.#lastWanted = writes;
    if (writes && open >= writeLanes ? this.#host.hasRoom() : this.#host.makeRoom())
      this.#opening = this.#openOne(writes);
  }

  /** There is room for one more now: for what it was asked for. */
  roomMade(): void {
    this.want(this.#lastWanted);
  }

  #count(writes: boolean): number {
    let count = 0;
    for (const lane of this.#open) if (lane.writes === writes) count += 1;
    return count;
  }

  /**
   * Closes one that has had nothing to do for a while, or is more than writes have a right to; true when there was one.
   * @param urgent someone has waited for long
   */
  free(urgent: boolean): boolean {
    const now = performance.now();
    const idle = this.#open.find((lane) => lane.inFlight === 0 && now - lane.idleSince > neededAgainMs);
    const lane = idle ?? (urgent && this.#count(true) > this.#options.writeLanes ? this.#leastBusyWriter() : undefined);
    if (!lane) return false;
    this.giveUp(lane, 'its place is needed');
    this.#wanted = this.#open.length > 0;
    return true;
  }

  #leastBusyWriter(): Lane | undefined {
    return this.#open.filter(({ writes }) => writes).toSorted((a, b) => a.inFlight - b.inFlight)[0];
  }

  /** Never opens one again: statements could not share a session there. */
  disable(): void {
    this.#ended = true;
  }

  async end(): Promise<void> {
    this.#ended = true;
    clearInterval(this.#housekeeping);
    for (const lane of this.#open.splice(0)) void this.#close(lane, 'the pool ends');
    await Promise.all([this.#opening, ...this.#closing.values()]);
  }

  /**
   * Reads keep to few connections: the fewer, the more of them go in one write. What changes data waits for its commit to be
   * on disk, so it keeps apart from reads; and since commits of several connections are written together, it spreads over more.
   */
  #pick(writes: boolean): Lane | undefined {
    let best: Lane | undefined;
    const { pingAfterMillis } = this.#options;
    const now = performance.now();
    for (const lane of this.#open) {
      if (lane.writes !== writes || !lane.isOpen || lane.inFlight >= mostInFlight || this.#isStuck(lane, now)) continue;
      if (lane.inFlight === 0 && pingAfterMillis > 0 && now - lane.idleSince > pingAfterMillis) {
        void lane.ping();
        continue;
      }
      if (!best || lane.inFlight < best.inFlight) best = lane;
    }
    // One more when the best one has work for others already.
    if (!best || best.inFlight > (writes ? 0 : 4)) this.want(writes);
    return best;
  }

  #isStuck(lane: Lane, now: number): boolean {
    return lane.headMs(now) > this.#options.laneLimitMillis * (lane.writes ? commitFactor : 1) * stuckFactor;
  }

  async #openOne(writes: boolean): Promise<void> {
    try {
      const client = await this.#host.openClient();
      this.#opening = undefined;
      const lane = new Lane(client, writes, {
        prepare: this.#options.prepare,
        ended: (from, query, serviceMs) => this.#host.ended(from, query, serviceMs),
        lost: (from) => this.#remove(from),
      });
      if (this.#ended) {
        await this.#close(lane, 'the pool ends');
        return;
      }
      keepAlive(client, false);
      this.#open.push(lane);
      this.#host.onOpened(client);
      this.#housekeeping ??= setInterval(() => this.#tidy(), 1000).unref();
    } catch {
      this.#opening = undefined;
      // Statements go on connections of their own meanwhile, whose errors say what is wrong.
      this.#notBefore = performance.now() + 1000;
    }
  }

  #remove(lane: Lane): void {
    const at = this.#open.indexOf(lane);
    if (at >= 0) this.#open.splice(at, 1);
    this.#host.onClosed(lane.client, 'lost');
  }

  /** Takes nothing new on one of them, and closes it after what is under way. */
  giveUp(lane: Lane, reason: string): void {
    const at = this.#open.indexOf(lane);
    if (at < 0) return;
    this.#open.splice(at, 1);
    void this.#close(lane, reason);
  }

  #close(lane: Lane, reason: string): Promise<void> {
    const closed = lane.close().then(() => {
      this.#closing.delete(lane);
      this.#host.onClosed(lane.client, reason);
    });
    this.#closing.set(lane, closed);
    return closed;
  }

  #tidy(): void {
    const now = performance.now();
    const { idleTimeoutMillis, maxLifetimeSeconds } = this.#options;
    for (const lane of this.#open.slice()) {
      const idle = lane.inFlight === 0 && idleTimeoutMillis > 0 && now - lane.idleSince >= idleTimeoutMillis;
      const old = maxLifetimeSeconds > 0 && now - lane.openedAt >= maxLifetimeSeconds * 1000;
      if (!idle && !old) continue;
      this.giveUp(lane, idle ? 'idle' : 'maxLifetime reached');
    }
    if (this.#open.length > 0) return;
    this.#wanted = false;
    clearInterval(this.#housekeeping);
    this.#housekeeping = undefined;
  }
}
