import type { Heard } from '../tier.ts';
import { type Commands, texts } from './commands.ts';
import { type Keys, readMessage } from './keys.ts';
import { Known } from './known.ts';
import { syncScript } from './scripts.ts';
import { tierError } from './tier-error.ts';

interface Message {
  epoch: string;
  at: number;
  origin: string;
  json: string;
}

/** Messages kept while it is being asked where everything stands. */
const mostEarly = 1000;
/** How long the first to ask wait for the first connection. */
const openingMs = 2000;
/** How long a library may try to have its connection back before we begin anew. */
const awayMs = 15_000;
/** How long a message may come after the answer that speaks of it. */
const messageMs = 100;

/**
 * Hears what is invalidated, in order and without gaps, and knows when it does not. Every message has the number after that of the one
 * before; every two seconds Redis is asked for the last number, so that a last message that was lost is missed as well.
 */
export class Bus {
  readonly known = new Known();
  readonly #commands: Commands;
  readonly #keys: Keys;
  readonly #origin: string;
  readonly #isOrdered: boolean;
  readonly #heartbeatMs: number;
  readonly #tell: (heard: Heard) => void;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #waiting = new Set<{ at: number; resolve: () => void }>();
  #link: 'opening' | 'up' | 'down' = 'opening';
  #downCause: unknown;
  #downSince = 0;
  /** Resolves when there is a connection, or there has been none for too long. */
  readonly #opened: Promise<void>;
  #open = (): void => {};
  /** Everything up to `known.at` was heard, and all that comes will be. */
  #isInStep = false;
  #missed = false;
  #confirmedAt = 0;
  #early: Message[] | undefined = [];
  #syncing: Promise<void> | undefined;
  /** It is to be asked again. */
  #resync = false;
  #connection = 0;
  #asking: Promise<unknown> | undefined;
  /** Positions were given before anything was known: something may be held by them. */
  #wasAsked = false;
  /** Clock of Redis minus ours, in ms. */
  #clockOffset = 0;

  constructor(
    commands: Commands,
    keys: Keys,
    options: {
      origin: string;
      isOrdered: boolean;
      heartbeatMs: number;
      tell: (heard: Heard) => void;
      reconnect: () => void;
    },
  ) {
    this.#commands = commands;
    this.#keys = keys;
    this.#origin = options.origin;
    this.#isOrdered = options.isOrdered;
    this.#heartbeatMs = options.heartbeatMs;
    this.#tell = options.tell;
    this.#opened = new Promise((resolve) => {
      const tooLong = setTimeout(resolve, openingMs);
      tooLong.unref();
      this.#open = () => {
        clearTimeout(tooLong);
        resolve();
      };
    });
    this.#heartbeat = setInterval(() => {
      if (this.#link === 'up') this.sync().catch(() => {});
      else if (this.#link === 'down' && performance.now() - this.#downSince > awayMs) {
        this.#downSince = performance.now();
        options.reconnect();
      }
    }, options.heartbeatMs);
    this.#heartbeat.unref();
  }

  position() {
    this.#wasAsked = true;
    return this.known.position;
  }

  /** The time as Redis has it, in ms since the epoch. */
  now(): number {
    return performance.now() + this.#clockOffset;
  }

  linkUp(): void {
    this.#link = 'up';
    this.#connection += 1;
    this.#resync = true;
    this.#outOfStep();
    this.#open();
    this.sync().catch(() => {});
  }

  linkDown(cause: unknown): void {
    this.#downCause = cause;
    if (this.#link !== 'down') this.#downSince = performance.now();
    this.#link = 'down';
    this.#connection += 1;
    this.#outOfStep();
    // Who waits for the first connection shall not wait any longer.
    this.#open();
  }

  /** Nothing to await while all is well. */
  inStep(): Promise<void> | undefined {
    if (this.#isInStep && performance.now() - this.#confirmedAt < 3 * this.#heartbeatMs) return undefined;
    return this.#comeInStep();
  }

  async #comeInStep(): Promise<void> {
    // Nothing was confirmed for long: this process stood still, or Redis did.
    this.#isInStep = false;
    this.#early ??= [];
    if (this.#link === 'opening') await this.#opened;
    if (this.#link === 'opening') throw tierError('Redis is not connected yet');
    if (this.#link === 'down') throw tierError('Redis is not connected', this.#downCause);
    for (let tries = 0; tries < 3 && !this.#isInStep; tries += 1) await this.sync();
    if (!this.#isInStep) throw tierError('Redis tells of more than can be followed');
  }

  /** A message of the channel that all hear. */
  heard(text: string): void {
    const [epoch = '', at = '', origin = ''] = text.split(' ', 3);
    const message = { epoch, at: Number(at), origin, json: text.slice(epoch.length + at.length + origin.length + 3) };
    this.#hear(message);
  }

  #hear(message: Message): void {
    if (!this.#early) this.#take(message);
    else if (this.#early.length < mostEarly) this.#early.push(message);
  }

  #take(message: Message): void {
    const { known } = this;
    if (message.epoch === known.epoch && message.at <= known.at) return;
    const what = message.epoch === known.epoch && message.at === known.at + 1 ? readMessage(message.json) : undefined;
    if (!what) {
      this.#miss();
      this.sync().catch(() => {});
      return;
    }
    // Before the position says that it is known.
    if (message.origin !== this.#origin) this.#tell(what);
    known.note(what, message.at);
    for (const each of this.#waiting) if (each.at <= message.at) each.resolve();
  }

  /** Something was missed: nothing that is held is certain. */
  #miss(): void {
    this.#outOfStep();
    this.#resync = true;
    if (this.#missed) return;
    this.#missed = true;
    this.#tell('unknown');
  }

  /** Begins again from what Redis has. */
  async lost(): Promise<void> {
    this.#miss();
    await this.sync();
  }

  #outOfStep(): void {
    this.#isInStep = false;
    this.#early ??= [];
  }

  /** Resolves when everything up to that number was heard, or missed for good. */
  async reached(at: number, epoch: string): Promise<void> {
    await this.#arrival(at, epoch);
    if (this.known.epoch !== epoch || this.known.at >= at) return;
    await this.lost();
  }

  /** Waits for a message that is on its way; not for long. */
  async #arrival(at: number, epoch: string): Promise<void> {
    if (this.known.epoch !== epoch || this.known.at >= at) return;
    await new Promise<void>((resolve) => {
      const waiting = {
        at,
        resolve: () => {
          clearTimeout(tooLong);
          this.#waiting.delete(waiting);
          resolve();
        },
      };
      const tooLong = setTimeout(waiting.resolve, messageMs);
      this.#waiting.add(waiting);
    });
  }

  /**
   * Comes to know of everything that was invalidated before this call. Where messages have a connection of their own Redis is asked for
   * the last number, once for all who ask in the same turn; else there is nothing to do.
   */
  catchUp(): Promise<void> | undefined {
    return this.#isOrdered ? undefined : this.#catchUp();
  }

  async #catchUp(): Promise<void> {
    const { epoch, at: before } = this.known;
    if (!this.#asking) {
      this.#asking = this.#commands.send(this.#keys.state, ['HMGET', this.#keys.state, 'epoch', 'at']);
      queueMicrotask(() => {
        this.#asking = undefined;
      });
    }
    const [current, at] = texts(await this.#asking);
    if (current === epoch && Number(at) >= before) {
      await this.reached(Number(at), epoch);
    } else if (this.known.epoch === epoch) {
      await this.lost();
    }
  }

  /** Asks where everything stands. Once at a time. */
  sync(): Promise<void> {
    this.#syncing ??= this.#sync('').finally(() => {
      this.#syncing = undefined;
      // Another connection, or a gap, while it was being asked.
      if (this.#resync && this.#link === 'up') this.sync().catch(() => {});
    });
    return this.#syncing;
  }

  async #sync(overEpoch: string): Promise<void> {
    const { known } = this;
    const before = known.position;
    const connection = this.#connection;
    this.#resync = false;
    const upTo = this.#isInStep ? `${before.epoch} ${before.at}` : '';
    const asked = performance.now();
    const [epoch = '', at, floor, time, ...rest] = texts(
      await this.#commands.run(syncScript, this.#keys.history, [this.#keys.channel, overEpoch, upTo]),
    );
    if (connection !== this.#connection) throw tierError('the connection to Redis was lost');
    const number = Number(at);
    // Redis has forgotten some of it, and does not know.
    if (epoch === before.epoch && number < before.at) return this.#sync(epoch);
    this.#clockOffset = Number(time) - (asked + performance.now()) / 2;
    // Waited for: whatever is in order was not missed.
    if (epoch === known.epoch && !this.#missed) {
      for (const each of this.#early ?? []) if (each.at === known.at + 1) this.#take(each);
    }
    if (!this.#isOrdered && this.#isInStep) await this.#arrival(number, epoch);
    if (epoch !== known.epoch || number > known.at || this.#missed) {
      // Once more where a gap was noticed: nothing was heard since, and what was kept since is no more certain than what was kept before.
      if (known.epoch !== '' || this.#wasAsked) this.#tell('unknown');
      known.begin({ epoch, at: number, floor: Number(floor), patterns: pairs(rest) });
    }
    this.#missed = false;
    this.#isInStep = true;
    this.#confirmedAt = performance.now();
    const early = this.#early ?? [];
    this.#early = undefined;
    if (early.length >= mostEarly) this.#miss();
    for (const each of early) this.#hear(each);
  }

  close(): void {
    clearInterval(this.#heartbeat);
    this.#link = 'down';
    this.#open();
    for (const each of this.#waiting) each.resolve();
  }
}

function pairs(flat: readonly string[]): { pattern: string; at: number }[] {
  const read = [];
  for (let i = 0; i + 1 < flat.length; i += 2) read.push({ pattern: flat[i] ?? '', at: Number(flat[i + 1]) });
  return read;
}
