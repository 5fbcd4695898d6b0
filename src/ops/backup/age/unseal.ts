import { Buffer } from 'node:buffer';
import { createDecipheriv } from 'node:crypto';
import { ChunkNonces, chunkBytes, inChunks, tagBytes } from './chunks.ts';
import { damaged, headerEnd, type Identities, openHeader, payloadKey } from './header.ts';

/** No header of ours comes near it; a file that is none must not be read to its end in search of one. */
const largestHeader = 64 * 1024;

/**
 * Decrypts what `seal` or the program `age` wrote. Nothing is handed on that was not authenticated.
 * @throws {PitcrewError} while iterating: `E_BACKUP_KEY` when it is for other recipients; `E_BACKUP_DAMAGED` when a byte was
 * changed, or is missing at the end
 */
export async function* unseal(source: AsyncIterable<Uint8Array>, identities: Identities): AsyncGenerator<Buffer> {
  const pieces = source[Symbol.asyncIterator]();
  try {
    const { header, rest } = await takeHeader(pieces);
    const fileKey = await openHeader(header, identities);
    const payload = pieceByPiece(rest, pieces);
    const { nonce, rest: chunks } = await takeNonce(payload);
    const key = payloadKey(fileKey, nonce);
    const nonces = new ChunkNonces();
    let first = true;
    for await (const { bytes, isLast } of inChunks(pieceByPiece(chunks, payload), chunkBytes + tagBytes)) {
      if (bytes.length < tagBytes) throw damaged('It ends in the middle.');
      if (isLast && !first && bytes.length === tagBytes) throw damaged('Its last chunk is empty.');
      const decipher = createDecipheriv('chacha20-poly1305', key, nonces.next(isLast), { authTagLength: tagBytes });
      decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
      const plain = decipher.update(bytes.subarray(0, bytes.length - tagBytes));
      try {
        decipher.final();
      } catch {
        throw damaged(isLast ? 'Its end was changed, or is missing.' : 'A chunk of it was changed.');
      }
      if (plain.length > 0) yield plain;
      nonces.advance();
      first = false;
    }
  } finally {
    await pieces.return?.();
  }
}

type Pieces = AsyncIterator<Uint8Array>;

async function takeHeader(pieces: Pieces): Promise<{ header: Buffer; rest: Buffer }> {
  let bytes: Buffer = Buffer.alloc(0);
  for (;;) {
    const end = headerEnd(bytes);
    if (end !== undefined) return { header: bytes.subarray(0, end), rest: bytes.subarray(end) };
    if (bytes.length > largestHeader) throw damaged('It has no header of an age file.');
    const { done, value } = await pieces.next();
    if (done) throw damaged('It ends within its header.');
    bytes = Buffer.concat([bytes, value]);
  }
}

async function takeNonce(pieces: Pieces): Promise<{ nonce: Buffer; rest: Buffer }> {
  let bytes: Buffer = Buffer.alloc(0);
  while (bytes.length < 16) {
    const { done, value } = await pieces.next();
    if (done) throw damaged('It ends after its header.');
    bytes = Buffer.concat([bytes, value]);
  }
  return { nonce: bytes.subarray(0, 16), rest: bytes.subarray(16) };
}

async function* pieceByPiece(first: Buffer, others: Pieces): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first;
  for (;;) {
    const { done, value } = await others.next();
    if (done) return;
    yield value;
  }
}
