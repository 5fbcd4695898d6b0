/** Keys that go in one command; what is large is not to hold up too many others. */
const mostKeys = 50;

interface Waiting {
  resolve(bytes: unknown): void;
  reject(error: unknown): void;
}

/**
 * Keys that are asked for one by one in the same turn of the event loop, asked for together: for Redis and for us a command costs several
 * times as much as a key in it. Nobody waits for that, as the library sends what was asked for at the end of a turn as well.
 */
export class Gathered {
  readonly #getOne: (key: string) => Promise<unknown>;
  readonly #getMany: (keys: readonly string[]) => Promise<readonly unknown[]>;
  #keys: string[] = [];
  #waiting: Waiting[] = [];

  constructor(
    getOne: (key: string) => Promise<unknown>,
    getMany: (keys: readonly string[]) => Promise<readonly unknown[]>,
  ) {
    this.#getOne = getOne;
    this.#getMany = getMany;
  }

  get(key: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      // After the promises that are settled now, whose callers may ask for more.
      if (this.#keys.length === 0) process.nextTick(this.#send);
      this.#keys.push(key);
      this.#waiting.push({ resolve, reject });
      if (this.#keys.length >= mostKeys) this.#send();
    });
  }

  readonly #send = (): void => {
    const [first] = this.#keys;
    // They have gone already, because there were many.
    if (first === undefined) return;
    const keys = this.#keys;
    const waiting = this.#waiting;
    this.#keys = [];
    this.#waiting = [];
    const answers = keys.length === 1 ? this.#getOne(first).then((bytes) => [bytes]) : this.#getMany(keys);
    answers.then(
      (all) => {
        let index = 0;
        for (const { resolve } of waiting) resolve(all[index++]);
      },
      (error: unknown) => {
        for (const { reject } of waiting) reject(error);
      },
    );
  };
}
