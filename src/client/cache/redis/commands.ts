import { Deadlines } from './deadlines.ts';
import { Gathered } from './gathered.ts';
import type { Argument, Link } from './link.ts';
import type { Script } from './scripts.ts';
import { isReply, tierError } from './tier-error.ts';

/** Keys asked for in one MGET. */
const mostKeys = 1000;

/** Commands to Redis within a bounded time. All reject with `E_CACHE_TIER`. */
export class Commands {
  readonly #link: Link;
  readonly #deadlines: Deadlines;
  readonly #gathered: Gathered;

  constructor(link: Link, timeoutMs: number) {
    this.#link = link;
    this.#deadlines = new Deadlines(timeoutMs);
    this.#gathered = new Gathered(
      (key) => this.#get(key),
      (keys) => this.#mget(keys, keys.length),
    );
  }

  /** The connection is another one than before. */
  renewed(): void {
    this.#deadlines.clear();
  }

  /** What is there, if it is a buffer; an empty one for what is no text. Where keys need not be of one slot, several go together. */
  get(key: string): Promise<unknown> {
    return this.#link.isCluster ? this.#get(key) : this.#gathered.get(key);
  }

  /** In the order of the keys, in one round trip: by one command, or by one for each in a cluster, sent together. */
  async getMany(keys: readonly string[]): Promise<readonly unknown[]> {
    if (this.#link.isCluster) return Promise.all(keys.map((key) => this.#get(key)));
    if (keys.length <= mostKeys) return this.#mget(keys, 1);
    const parts: Promise<readonly unknown[]>[] = [];
    for (let i = 0; i < keys.length; i += mostKeys) parts.push(this.#mget(keys.slice(i, i + mostKeys), 1));
    return (await Promise.all(parts)).flat();
  }

  async #get(key: string): Promise<unknown> {
    try {
      return await this.#deadlines.run(() => this.#link.send(key, ['GET', key]));
    } catch (error) {
      if (isReply(error, 'WRONGTYPE')) return Buffer.alloc(0);
      throw this.#failure(error);
    }
  }

  /** @param callers who wait for it */
  async #mget(keys: readonly string[], callers: number): Promise<readonly unknown[]> {
    const answer = await this.send(keys[0] ?? '', ['MGET', ...keys], callers);
    return Array.isArray(answer) ? answer : [];
  }

  /** @param callers who wait for it */
  async send(key: string, command: Argument[], callers = 1): Promise<unknown> {
    try {
      return await this.#deadlines.run(() => this.#link.send(key, command), callers);
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
