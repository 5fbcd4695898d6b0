import type { Lease } from '../tier.ts';
import { type Commands, texts } from './commands.ts';
import type { Keys } from './keys.ts';
import { leaseScript, releaseScript } from './scripts.ts';

interface Wait {
  /** When the lease ends by itself, by `performance.now()`. */
  until: number;
  promise: Promise<void>;
  wake: () => void;
}

/** Keys that this process may wait for at most. */
const mostWaits = 10_000;

/** Rights to load, each for one process of all. Who is refused is woken by a message when the right is given up. */
export class Leases {
  readonly #commands: Commands;
  readonly #keys: Keys;
  readonly #origin: string;
  readonly #waits = new Map<string, Wait>();
  /** Leases that could not be given up, by key: nobody shall wait for them once Redis can be reached. */
  readonly #left = new Map<string, string>();

  constructor(commands: Commands, keys: Keys, origin: string) {
    this.#commands = commands;
    this.#keys = keys;
    this.#origin = origin;
  }

  /** The channel of this process. */
  get channel(): string {
    return this.#keys.processes + this.#origin;
  }

  async lease(key: string, ttlMs: number): Promise<Lease | undefined> {
    const lease = this.#keys.lease(key);
    // Before it is asked for: the message may come before the answer does.
    const { promise, resolve: wake } = Promise.withResolvers<void>();
    const wait = { until: performance.now() + ttlMs, promise, wake };
    this.#forgetOld();
    const earlier = this.#waits.get(key);
    void promise.then(earlier?.wake);
    this.#waits.set(key, wait);
    try {
      const [token = '0', ms] = texts(
        await this.#commands.run(leaseScript, [lease, this.#keys.state], [this.#origin, String(Math.ceil(ttlMs))]),
      );
      if (token === '0') {
        wait.until = performance.now() + Math.max(Number(ms), 0);
        return undefined;
      }
      this.woken(key);
      return { token: Number(token), release: () => this.#release(key, token) };
    } catch (error) {
      this.woken(key);
      throw error;
    }
  }

  async #release(key: string, token: string): Promise<void> {
    try {
      await this.#commands.run(releaseScript, [this.#keys.lease(key)], [token, this.#keys.processes, key]);
    } catch (error) {
      if (this.#left.size < mostWaits) this.#left.set(key, token);
      throw error;
    }
  }

  /** Redis can be reached again. */
  renewed(): void {
    const left = [...this.#left];
    this.#left.clear();
    for (const [key, token] of left) this.#release(key, token).catch(() => {});
  }

  /** Resolves when the lease that was refused last is over, with true, or after so long, with false. */
  async waitFor(key: string, ms: number): Promise<boolean> {
    const wait = this.#waits.get(key);
    if (!wait) return true;
    const left = wait.until - performance.now();
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(left <= ms), Math.max(Math.min(left, ms), 0));
    });
    try {
      return await Promise.race([wait.promise.then(() => true), over]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The lease of a key was given up. */
  woken(key: string): void {
    const wait = this.#waits.get(key);
    this.#waits.delete(key);
    wait?.wake();
  }

  close(): void {
    for (const { wake } of this.#waits.values()) wake();
    this.#waits.clear();
  }

  #forgetOld(): void {
    if (this.#waits.size < mostWaits) return;
    const now = performance.now();
    for (const [key, { until, wake }] of this.#waits) {
      if (until > now && this.#waits.size < mostWaits) continue;
      this.#waits.delete(key);
      wake();
    }
  }
}
