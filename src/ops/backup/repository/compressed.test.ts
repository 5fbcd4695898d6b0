import { zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { inPieces, whole } from '../../../../test/support/streams.ts';
import { passedOn } from './compressed.ts';

const text = Array.from({ length: 300_000 }, (_each, n) => `${n * n}`).join();
const packed = zstdCompressSync(text);

test('what is compressed already goes on as it is, and is counted', async () => {
  let bytes = 0;
  // As of a server: each piece comes in the memory of the one before.
  const memory = Buffer.alloc(70_000);
  async function* reused() {
    for await (const piece of inPieces(packed, memory.length)) {
      piece.copy(memory);
      yield memory.subarray(0, piece.length);
    }
  }
  expect((await whole(passedOn(reused(), (length) => (bytes += length)))).equals(packed)).toBe(true);
  expect(bytes).toBe(text.length);
});

test.each([
  ['breaks off', packed.subarray(0, -20)],
  ['is nothing', Buffer.alloc(0)],
  ['goes on behind its end', Buffer.concat([packed, packed])],
  ['has a little more', Buffer.concat([packed, Buffer.from('?')])],
  ['is something else', Buffer.alloc(200_000, 'plain')],
])('what %s is told', async (_what, bytes) => {
  await expect(whole(passedOn(inPieces(bytes, 70_000), () => {}))).rejects.toMatchObject({
    code: 'E_QUERY',
    message: 'what the server has compressed cannot be unpacked',
  });
});
