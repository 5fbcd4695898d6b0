import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { zstdDecompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { whole } from '../../../../test/support/streams.ts';
import { compress } from './compress.ts';
import { decode } from './encode.ts';

const frame = 2 ** 21;
const half = Buffer.concat([randomBytes(frame / 2), Buffer.alloc(frame / 2, 'a text that comes again ')]);

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  // The same memory again and again: what was handed over belongs to whoever makes it.
  const piece = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    const length = bytes.copy(piece, 0, at, at + size);
    yield piece.subarray(0, length);
  }
}

function* slices(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test.each([1, 3])('what was compressed by %i is what it was, whatever its length', async (jobs) => {
  const long = Buffer.concat([half, half, half, half, half]);
  for (const length of [0, 1, frame - 1, frame, frame + 1, 3 * frame, long.length - 7]) {
    const bytes = long.subarray(0, length);
    const stored = await whole(compress(inPieces(bytes, 300_000), { level: 3, jobs }));
    expect(zstdDecompressSync(stored).equals(bytes), `${length} bytes`).toBe(true);
    const pieces = Readable.from(slices(stored, 65_536));
    const decoded = await whole(decode(pieces, { encrypted: false, identities: async () => [] }));
    expect(decoded.equals(bytes), `${length} bytes, as a stream`).toBe(true);
  }
});

test('what reading throws ends it', async () => {
  async function* broken(): AsyncGenerator<Buffer> {
    yield half;
    yield half;
    throw new Error('the server is gone');
  }
  await expect(whole(compress(broken(), { level: 1, jobs: 2 }))).rejects.toThrow('the server is gone');
});
