import { randomUUID } from 'node:crypto';
import type { Entry } from '../entry.ts';
import type { Invalidation } from '../invalidation.ts';
import type { CacheTier, Heard, Lease, Position, TierSize } from '../tier.ts';
import { decode, type Decoded, encode, type ValueOptions } from '../values/index.ts';
import { Bus } from './bus.ts';
import { Commands, texts } from './commands.ts';
import { type Keys, keysOf, namesConcerning } from './keys.ts';
import { Leases } from './leases.ts';
import type { Link } from './link.ts';
import { invalidate } from './invalidate.ts';
import { linksTo } from './open.ts';
import { type RedisTierOptions, type Settings, settingsOf } from './options.ts';
import { askScript, fillScript, incrementScript } from './scripts.ts';
import { isTombstone, prefixLength, prefixOf } from './stored.ts';
import { isReply, tierError } from './tier-error.ts';

const heartbeatMs = 2000;
/** A fill that arrives later is too late: tombstones live for twice as long. */
const fillMs = 30_000;
/** Names asked for at once; fills sent together. */
const mostNames = 500;
const mostFills = 500;

/**
 * A tier in Redis 6.2 or newer, or Valkey, shared by all processes of one namespace. Reads are plain GETs and MGETs; everything else is a script
 * with a bounded amount of work. Opens one connection (two with `ioredis`), at once.
 *
 * @throws `E_MISSING_PACKAGE` when the package `redis` is needed and not there; `E_CONFIG` for options that cannot be
 *
 * @example
 * const cache = createCache({ tiers: [redisTier({ url: 'redis://localhost:6379' })] });
 */
export function redisTier(options: RedisTierOptions): CacheTier {
  return new RedisTier(linksTo(options), settingsOf(options));
}

class RedisTier implements CacheTier {
  readonly name = 'redis';
  readonly #settings: Settings;
  readonly #values: ValueOptions;
  readonly #link: Link;
  readonly #keys: Keys;
  readonly #commands: Commands;
  readonly #bus: Bus;
  readonly #leases: Leases;
  readonly #origin = randomUUID();
  readonly #listeners: ((heard: Heard) => void)[] = [];
  #evictions = 0;
  #unreadable = 0;
  #refused = 0;
  #isClosed = false;

  constructor(openLink: ReturnType<typeof linksTo>, settings: Settings) {
    this.#settings = settings;
    this.#values = settings.values;
    const keys = keysOf(settings.namespace);
    this.#keys = keys;
    const own = keys.processes + this.#origin;
    this.#link = openLink([keys.channel, own], {
      up: () => {
        this.#commands.renewed();
        this.#bus.linkUp();
        this.#leases.renewed();
      },
      down: (cause) => this.#bus.linkDown(cause),
      message: (channel, text) => {
        if (channel === own) this.#leases.woken(text);
        else this.#bus.heard(text);
      },
    });
    this.#commands = new Commands(this.#link, settings.timeoutMs);
    this.#leases = new Leases(this.#commands, keys, this.#origin);
    this.#bus = new Bus(this.#commands, keys, {
      origin: this.#origin,
      isOrdered: this.#link.isOrdered,
      heartbeatMs,
      reconnect: () => this.#link.reconnect(),
      tell: (heard) => {
        for (const listener of this.#listeners) listener(heard);
      },
    });
  }

  position(): Position {
    return this.#bus.position();
  }

  async get(key: string): Promise<Entry | undefined> {
    const unready = this.#unready();
    if (unready) await unready;
    const behind = this.#bus.catchUp();
    const answer = this.#commands.get(this.#keys.value(key));
    const stored = behind ? (await Promise.all([answer, behind]))[0] : await answer;
    const lost = this.#unready();
    if (lost) await lost;
    if (!Buffer.isBuffer(stored)) return undefined;
    const read = this.#read(stored);
    const found = read instanceof Promise ? await read : read;
    if (!found) return undefined;
    const verdict = this.#bus.known.judge(key, found.entry.tags, found.position);
    if (verdict === 'valid') return found.entry;
    if (verdict === 'void') return undefined;
    await this.#ask(namesConcerning(key, found.entry.tags));
    return this.#bus.known.judge(key, found.entry.tags, found.position) === 'valid' ? found.entry : undefined;
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    const entries = new Map<string, Entry>();
    if (keys.length === 0) return entries;
    const unready = this.#unready();
    if (unready) await unready;
    const behind = this.#bus.catchUp();
    const answer = this.#commands.getMany(keys.map((key) => this.#keys.value(key)));
    const stored = behind ? (await Promise.all([answer, behind]))[0] : await answer;
    const lost = this.#unready();
    if (lost) await lost;
    const { known } = this.#bus;
    const unsure = new Map<string, Decoded>();
    let index = 0;
    for (const key of keys) {
      const bytes = stored[index++];
      if (!Buffer.isBuffer(bytes)) continue;
      const read = this.#read(bytes);
      const found = read instanceof Promise ? await read : read;
      if (!found) continue;
      const verdict = known.judge(key, found.entry.tags, found.position);
      if (verdict === 'valid') entries.set(key, found.entry);
      else if (verdict === 'ask') unsure.set(key, found);
    }
    if (unsure.size === 0) return entries;
    await this.#ask([...new Set([...unsure].flatMap(([key, { entry }]) => namesConcerning(key, entry.tags)))]);
    for (const [key, { entry, position }] of unsure) {
      if (known.judge(key, entry.tags, position) === 'valid') entries.set(key, entry);
    }
    return entries;
  }

  async set(key: string, entry: Entry, position: Position): Promise<boolean> {
    await this.#unready();
    if (!this.#bus.known.mayKeep(key, entry.tags, position)) return this.#refuse();
    const ms = Math.ceil(entry.keptUntil - Date.now());
    if (ms <= 0) return true;
    const tooLate = String(Math.floor(this.#bus.now() + fillMs));
    const stored = await encode(entry, position, this.#values, prefixOf(position, entry.createdAt));
    const answer = await this.#fill(key, [stored, position.epoch, String(ms), tooLate]);
    if (answer === 'full') return true;
    await this.#bus.catchUp();
    return answer === 'kept' && this.#bus.known.mayKeep(key, entry.tags, position) ? true : this.#refuse();
  }

  async setMany(entries: ReadonlyMap<string, Entry>, position: Position): Promise<void> {
    const all = [...entries];
    for (let i = 0; i < all.length; i += mostFills) {
      await Promise.all(all.slice(i, i + mostFills).map(([key, entry]) => this.set(key, entry, position)));
    }
  }

  async invalidate(what: readonly Invalidation[]): Promise<Position | void> {
    await this.#unready();
    // Asked for nothing it is asked whether it is there.
    if (what.length === 0) return this.#bus.sync();
    return invalidate(what, {
      bus: this.#bus,
      commands: this.#commands,
      keys: this.#keys,
      isCluster: this.#link.isCluster,
      origin: this.#origin,
      mostNames: this.#settings.mostNames,
    });
  }

  async increment(key: string, by: number, ttlMs: number): Promise<number> {
    await this.#unready();
    const args = [String(by), String(Math.ceil(ttlMs))];
    return Number(await this.#commands.run(incrementScript, [this.#keys.counter(key)], args));
  }

  async endCounters(keys: readonly string[]): Promise<void> {
    await this.#unready();
    const counters = keys.map((key) => this.#keys.counter(key));
    // Those of one command must be in one slot.
    const most = this.#link.isCluster ? 1 : mostNames;
    const ended: Promise<unknown>[] = [];
    for (let i = 0; i < counters.length; i += most) {
      const part = counters.slice(i, i + most);
      ended.push(this.#commands.send(part[0] ?? '', ['UNLINK', ...part]));
    }
    await Promise.all(ended);
  }

  async lease(key: string, ttlMs: number): Promise<Lease | undefined> {
    await this.#unready();
    return this.#leases.lease(key, ttlMs);
  }

  waitFor(key: string, ms: number): Promise<boolean> {
    return this.#leases.waitFor(key, ms);
  }

  onHeard(listener: (heard: Heard) => void): void {
    this.#listeners.push(listener);
  }

  stats(): TierSize {
    return {
      entries: undefined,
      bytes: undefined,
      evictions: this.#evictions,
      unreadable: this.#unreadable,
      refused: this.#refused,
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#bus.close();
    this.#leases.close();
    await this.#link.close();
  }

  /** Nothing to await while all is well. */
  #unready(): Promise<void> | undefined {
    if (this.#isClosed) return Promise.reject(tierError('the Redis tier is closed'));
    return this.#bus.inStep();
  }

  /** A promise for large values only: one for each of many costs as much as reading it. */
  #read(stored: Buffer): Decoded | undefined | Promise<Decoded | undefined> {
    if (isTombstone(stored)) return undefined;
    const found = decode(stored, this.#values, prefixLength);
    return found instanceof Promise ? found.then((each) => this.#counted(each)) : this.#counted(found);
  }

  #counted(found: Decoded | undefined): Decoded | undefined {
    if (!found) this.#unreadable += 1;
    return found;
  }

  async #fill(key: string, args: (string | Buffer)[]): Promise<'kept' | 'refused' | 'full'> {
    const value = this.#keys.value(key);
    try {
      const keys = this.#link.isCluster ? [value] : [value, this.#keys.state];
      const answer = await this.#commands.run(fillScript, keys, args);
      if (answer === -1) await this.#bus.lost();
      return answer === 1 ? 'kept' : 'refused';
    } catch (error) {
      // Full, and told to evict nothing: it is as if the entry had been evicted at once.
      if (!isReply(error, 'OOM')) throw error;
      this.#evictions += 1;
      return 'full';
    }
  }

  async #ask(names: readonly string[]): Promise<void> {
    for (let i = 0; i < Math.max(names.length, 1); i += mostNames) {
      const part = names.slice(i, i + mostNames);
      const before = this.#bus.known.epoch;
      const [epoch, floor, ...numbers] = texts(await this.#commands.run(askScript, this.#keys.history, part));
      if (before !== this.#bus.known.epoch) return;
      if (epoch !== before) {
        await this.#bus.lost();
        return;
      }
      this.#bus.known.told(Number(floor), new Map(part.map((name, index) => [name, Number(numbers[index])])));
    }
  }

  #refuse(): false {
    this.#refused += 1;
    return false;
  }
}
