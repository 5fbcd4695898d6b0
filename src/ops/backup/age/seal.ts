import { Buffer } from 'node:buffer';
import { createCipheriv, randomBytes } from 'node:crypto';
import { ChunkNonces, chunkBytes, inChunks, tagBytes } from './chunks.ts';
import { release } from '../release.ts';
import { makeHeader, payloadKey } from './header.ts';

/** So many chunks are handed on at once: whoever takes them has a cost of its own for each piece. */
const chunksAtOnce = 4;
const sealedBytes = chunkBytes + tagBytes;

/**
 * Encrypts for some recipients (`age1…`), as `age -r` does. The payload goes through Node's own ChaCha20-Poly1305, which is several times faster
 * than one in JavaScript. A piece is the reader's only until the next is asked for: garbage beside the heap would have V8 collect all the time, at half of the cost.
 */
export async function* seal(source: AsyncIterable<Uint8Array>, recipients: readonly string[]): AsyncGenerator<Buffer> {
  const { header, fileKey } = await makeHeader(recipients);
  const nonce = randomBytes(16);
  yield Buffer.concat([header, nonce]);
  const key = payloadKey(fileKey, nonce);
  const nonces = new ChunkNonces();
  const block = Buffer.allocUnsafeSlow(chunksAtOnce * sealedBytes);
  let filled = 0;
  for await (const { bytes, isLast } of inChunks(source, chunkBytes)) {
    const cipher = createCipheriv('chacha20-poly1305', key, nonces.next(isLast), { authTagLength: tagBytes });
    const sealed = cipher.update(bytes);
    cipher.final();
    block.set(sealed, filled);
    block.set(cipher.getAuthTag(), filled + sealed.length);
    filled += sealed.length + tagBytes;
    release(sealed);
    nonces.advance();
    if (!isLast && filled < block.length) continue;
    yield block.subarray(0, filled);
    filled = 0;
  }
}
