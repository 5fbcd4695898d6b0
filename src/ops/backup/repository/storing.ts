import { Buffer } from 'node:buffer';
/** A file that is stored while it is written. */
export interface Storing<Result> {
  /** Resolves when they have been taken, and may be written over. @throws what storing it throws */
  write(bytes: Buffer): Promise<void>;
  /** No more comes. @returns when it is stored */
  end(): Promise<Result>;
  /** Gives it up: nothing is stored. Never throws. */
  abandon(reason: Error): Promise<void>;
}

/** Pieces are handed over one by one and copied nowhere: whoever writes waits until a piece was taken, which keeps a copy of it where it needs one. */
export function storing<Result>(store: (source: AsyncIterable<Buffer>) => Promise<Result>): Storing<Result> {
  let offered: Buffer | undefined;
  let over = false;
  let given: Error | undefined;
  let coming = Promise.withResolvers<void>();
  let taken: PromiseWithResolvers<void> | undefined;
  let isSettled = false;
  async function* pieces(): AsyncGenerator<Buffer> {
    for (;;) {
      await coming.promise;
      coming = Promise.withResolvers<void>();
      if (given) throw given;
      if (offered) yield offered;
      offered = undefined;
      taken?.resolve();
      if (over) return;
    }
  }
  const stored = store(pieces());
  // Whoever writes waits no longer then. (A race for each piece would leave something in memory with each.)
  stored
    .catch((error: unknown) => taken?.reject(error))
    .finally(() => {
      isSettled = true;
      taken?.resolve();
    });
  return {
    async write(bytes) {
      if (isSettled) return void (await stored);
      taken = Promise.withResolvers<void>();
      offered = bytes;
      coming.resolve();
      await taken.promise;
    },
    async end() {
      over = true;
      coming.resolve();
      return stored;
    },
    async abandon(reason) {
      given = reason;
      coming.resolve();
      await stored.catch(() => {});
    },
  };
}
