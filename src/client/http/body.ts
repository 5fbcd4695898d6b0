/**
 * A body that is looked at while it passes: read ahead as far as it may be kept, so that slow clients hold up nobody who waits for
 * the whole; beyond that it is read as the client reads it.
 */
export class PassingBody {
  /** All of it, when it has come to its end within the bound; `undefined` when it is larger, failed or was given up. */
  readonly whole: Promise<Uint8Array | undefined>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #chunks: Uint8Array[] = [];
  readonly #most: number;
  #given = 0;
  #isRead = false;
  #failure: { error: unknown } | undefined;
  #isGivenUp = false;
  /** There is something new to give. */
  #news = Promise.withResolvers<void>();

  constructor(body: ReadableStream<Uint8Array>, mostBytes: number) {
    this.#reader = body.getReader();
    this.#most = mostBytes;
    this.whole = this.#readAhead();
  }

  /** The body, from its beginning; to be asked for once, and in place of the one that it was made from. */
  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const chunk = await this.#next();
          if (chunk) controller.enqueue(chunk);
          else controller.close();
        },
        cancel: (reason) => this.cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  /** Nobody reads it any more. */
  async cancel(reason: unknown): Promise<void> {
    this.#isGivenUp = true;
    await this.#reader.cancel(reason);
  }

  async #readAhead(): Promise<Uint8Array | undefined> {
    let size = 0;
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (this.#isGivenUp) return undefined;
        if (done) {
          this.#isRead = true;
          return Buffer.concat(this.#chunks);
        }
        this.#chunks.push(value);
        size += value.byteLength;
        if (size > this.#most) return undefined;
        this.#tell();
      }
    } catch (error) {
      this.#failure = { error };
      return undefined;
    } finally {
      this.#tell();
    }
  }

  async #next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const chunk = this.#chunks[this.#given];
      if (chunk) {
        this.#given += 1;
        return chunk;
      }
      if (this.#failure) throw this.#failure.error;
      if (this.#isRead) return undefined;
      const isAhead = await Promise.race([this.#news.promise.then(() => true), this.whole.then(() => false)]);
      if (isAhead || this.#given < this.#chunks.length || this.#failure || this.#isRead) continue;
      // Too large to be kept: what was read ahead has been given, the rest is not held any more.
      const { done, value } = await this.#reader.read();
      return done ? undefined : value;
    }
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
