import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';

/** A file that is stored while it is written. */
export interface Storing<Result> {
  /** Resolves when there is room for more. @throws what storing it throws */
  write(bytes: Buffer): Promise<void>;
  /** No more comes. @returns when it is stored */
  end(): Promise<Result>;
  /** Gives it up: nothing is stored. Never throws. */
  abandon(reason: Error): Promise<void>;
}

/** So much waits for whoever stores it. */
const waitingBytes = 1024 * 1024;

export function storing<Result>(store: (source: AsyncIterable<Buffer>) => Promise<Result>): Storing<Result> {
  const pipe = new PassThrough({ highWaterMark: waitingBytes });
  // Told by whoever reads it.
  pipe.on('error', () => {});
  const stored = store(pipe);
  stored.catch(() => {});
  return {
    async write(bytes) {
      if (pipe.write(bytes)) return;
      const room = new AbortController();
      try {
        await Promise.race([once(pipe, 'drain', { signal: room.signal }), stored]);
      } finally {
        room.abort();
      }
    },
    async end() {
      pipe.end();
      return stored;
    },
    async abandon(reason) {
      pipe.destroy(reason);
      await stored.catch(() => {});
    },
  };
}
