/**
 * Loads by one call what many ask for one by one: once it is known of each of them whether it is to be loaded. Those of which that is
 * known later, because another process was loading them, have a call of their own.
 */
export class Gathering {
  readonly #loadMany: (keys: readonly string[]) => Promise<ReadonlyMap<string, unknown>>;
  /** It is not known yet whether they are to be loaded. */
  readonly #open: Set<string>;
  #wanted: string[] = [];
  #loaded = Promise.withResolvers<ReadonlyMap<string, unknown>>();

  /** @param loadMany gives values by key; what it leaves out is `undefined` */
  constructor(keys: readonly string[], loadMany: (keys: readonly string[]) => Promise<ReadonlyMap<string, unknown>>) {
    this.#open = new Set(keys);
    this.#loadMany = loadMany;
  }

  async load(key: string): Promise<unknown> {
    const { promise } = this.#loaded;
    this.#wanted.push(key);
    this.without(key);
    return (await promise).get(key);
  }

  /** It is not to be loaded, or not now. */
  without(key: string): void {
    this.#open.delete(key);
    if (this.#open.size > 0 || this.#wanted.length === 0) return;
    const wanted = this.#wanted;
    const { resolve } = this.#loaded;
    this.#wanted = [];
    this.#loaded = Promise.withResolvers();
    resolve((async () => this.#loadMany(wanted))());
  }
}
