/** Bytes of the plain text in each chunk of an age file but the last. */
export const chunkBytes = 64 * 1024;
/** Bytes that authenticate a chunk. */
export const tagBytes = 16;

/**
 * Nonces of an age payload, one for each chunk: an 11-byte counter and a byte that marks the last
 * (C2SP age specification, "Payload").
 */
export class ChunkNonces {
  readonly #nonce = Buffer.alloc(12);

  /** That of the next chunk. The buffer is reused. */
  next(isLast: boolean): Buffer {
    if (isLast) this.#nonce[11] = 1;
    return this.#nonce;
  }

  advance(): void {
    // 2^48 chunks are 16 EiB: the upper bytes of the counter are never reached.
    const low = this.#nonce.readUIntBE(5, 6) + 1;
    this.#nonce.writeUIntBE(low, 5, 6);
  }
}

/**
 * Cuts what comes into pieces of `size`; the last one is told as such, may be shorter, and is empty only when nothing came. The buffer is reused: what is in it is to be
 * done with before the next is asked for.
 */
export async function* inChunks(
  source: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<{ bytes: Buffer; isLast: boolean }> {
  const block = Buffer.allocUnsafeSlow(size);
  let filled = 0;
  for await (const piece of source) {
    for (let at = 0; at < piece.length;) {
      if (filled === size) {
        yield { bytes: block, isLast: false };
        filled = 0;
      }
      const length = Math.min(size - filled, piece.length - at);
      block.set(piece.subarray(at, at + length), filled);
      filled += length;
      at += length;
    }
  }
  yield { bytes: block.subarray(0, filled), isLast: true };
}
