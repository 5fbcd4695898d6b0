import { Buffer } from 'node:buffer';
import { createCipheriv, randomBytes } from 'node:crypto';
import { ChunkNonces, chunkBytes, inChunks, tagBytes } from './chunks.ts';
import { makeHeader, payloadKey } from './header.ts';

/** So many chunks are handed on at once: whoever takes them has a cost of its own for each piece. */
const chunksAtOnce = 4;

/**
 * Encrypts for some recipients (`age1…`), as `age -r` does. The payload goes through Node's own ChaCha20-Poly1305, which is several times faster
 * than one in JavaScript.
 */
export async function* seal(source: AsyncIterable<Uint8Array>, recipients: readonly string[]): AsyncGenerator<Buffer> {
  const { header, fileKey } = await makeHeader(recipients);
  const nonce = randomBytes(16);
  yield Buffer.concat([header, nonce]);
  const key = payloadKey(fileKey, nonce);
  const nonces = new ChunkNonces();
  let sealed: Buffer[] = [];
  for await (const { bytes, isLast } of inChunks(source, chunkBytes)) {
    const cipher = createCipheriv('chacha20-poly1305', key, nonces.next(isLast), { authTagLength: tagBytes });
    sealed.push(cipher.update(bytes));
    cipher.final();
    sealed.push(cipher.getAuthTag());
    nonces.advance();
    if (!isLast && sealed.length < 2 * chunksAtOnce) continue;
    yield Buffer.concat(sealed);
    sealed = [];
  }
}
