import { Deadlines } from './deadlines.ts';
import type { Argument, Link } from './link.ts';
import type { Script } from './scripts.ts';
import { isReply, tierError } from './tier-error.ts';

/** Keys asked for in one MGET. */
const mostKeys = 1000;

/** Commands to Redis within a bounded time. All reject with `E_CACHE_TIER`. */
export class Commands {
  readonly #link: Link;
  readonly #deadlines: Deadlines;

  constructor(link: Link, timeoutMs: number) {
    this.#link = link;
    this.#deadlines = new Deadlines(timeoutMs);
  }

  /** The connection is another one than before. */
  renewed(): void {
    this.#deadlines.clear();
  }

  /** What is there; undefined also for what is no text. */
  async get(key: string): Promise<Buffer | undefined> {
    try {
      const bytes = await this.#deadlines.run(() => this.#link.send(key, ['GET', key]));
      return Buffer.isBuffer(bytes) ? bytes : undefined;
    } catch (error) {
      if (isReply(error, 'WRONGTYPE')) return Buffer.alloc(0);
      throw this.#failure(error);
    }
  }

  /** In the order of the keys, in one round trip: by one command, or by one for each in a cluster, sent together. */
  async getMany(keys: readonly string[]): Promise<readonly unknown[]> {
    if (this.#link.isCluster) return Promise.all(keys.map((key) => this.get(key)));
    if (keys.length <= mostKeys) return this.#mget(keys);
    const parts: Promise<readonly unknown[]>[] = [];
    for (let i = 0; i < keys.length; i += mostKeys) parts.push(this.#mget(keys.slice(i, i + mostKeys)));
    return (await Promise.all(parts)).flat();
  }

  async #mget(keys: readonly string[]): Promise<readonly unknown[]> {
    const answer = await this.send(keys[0] ?? '', ['MGET', ...keys]);
    return Array.isArray(answer) ? answer : [];
  }

  async send(key: string, command: Argument[]): Promise<unknown> {
    try {
      return await this.#deadlines.run(() => this.#link.send(key, command));
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Runs a script by its hash. All keys must be of one slot. */
  async run({ sha, source }: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    const key = keys[0] ?? '';
    const rest = [String(keys.length), ...keys, ...args];
    try {
      return await this.#deadlines.run(() => this.#link.send(key, ['EVALSHA', sha, ...rest]));
    } catch (error) {
      if (!isReply(error, 'NOSCRIPT')) throw this.#failure(error);
    }
    return this.send(key, ['EVAL', source, ...rest]);
  }

  #failure(error: unknown): Error {
    // A primary that has become a replica: the one that has taken over answers to the same name.
    if (isReply(error, 'READONLY')) this.#link.reconnect();
    return tierError(
      error instanceof Error && /^[A-Z]+ /.test(error.message) ? 'Redis refused a command' : 'Redis cannot be asked',
      error,
    );
  }
}

/** The texts of an answer that is a list. */
export function texts(answer: unknown): string[] {
  return Array.isArray(answer) ? answer.map(String) : [];
}
