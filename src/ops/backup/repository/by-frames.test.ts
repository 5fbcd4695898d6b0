import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { constants, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { collected } from '../../../../test/support/streams.ts';
import { byFrames } from './by-frames.ts';
import { decode } from './encode.ts';

const withChecksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
const skippable = Buffer.concat([Buffer.from('532a4d1805000000', 'hex'), Buffer.from('aside')]);
/** What a file may be made of, and what becomes of each. */
const frames: [stored: Buffer, plain: Buffer][] = [
  Buffer.alloc(140_000),
  Buffer.alloc(0),
  randomBytes(1),
  Buffer.alloc(300, 'a'),
  Buffer.concat([randomBytes(1000), Buffer.alloc(150_000, 'text '), randomBytes(140_000)]),
].flatMap((plain): [Buffer, Buffer][] => [
  [zstdCompressSync(plain, withChecksum), plain],
  [zstdCompressSync(plain), plain],
  [skippable, Buffer.alloc(0)],
]);
const stored = Buffer.concat(frames.map(([each]) => each));
const plain = Buffer.concat(frames.map(([, each]) => each));
let at = 0;
const ends = frames.map(([{ length }]) => (at += length));

async function* cutAt(places: readonly number[]): AsyncGenerator<Buffer> {
  for (const [number, place] of places.entries()) yield stored.subarray(places[number - 1] ?? 0, place);
  yield stored.subarray(places.at(-1) ?? 0);
}

const decoded = (pieces: AsyncIterable<Buffer>): Promise<Buffer> =>
  buffer(decode(pieces, { encrypted: false, identities: async () => [] }));

test('wherever the pieces of a file end, all of it is read', async () => {
  for (const end of ends) {
    for (let cut = Math.max(0, end - 6); cut <= Math.min(stored.length, end + 6); cut += 1)
      expect((await decoded(cutAt([cut]))).equals(plain), `a piece ends at ${cut}, a frame at ${end}`).toBe(true);
  }
  for (const size of [97, 5000]) {
    const cuts = Array.from({ length: Math.floor(stored.length / size) }, (_, number) => number * size);
    expect((await decoded(cutAt(cuts))).equals(plain), `pieces of ${size}`).toBe(true);
  }
});

test('pieces end where frames do, and nothing is lost', async () => {
  const pieces = await collected(byFrames(cutAt([])));
  let read = 0;
  expect(pieces.map(({ length }) => (read += length))).toEqual(ends);
  expect(Buffer.concat(pieces).equals(stored)).toBe(true);
});

test('what is no frame is handed on for zstd to say so', async () => {
  const other = randomBytes(1000);
  other[0] = 0;
  expect(Buffer.concat(await collected(byFrames(Readable.from([other])))).equals(other)).toBe(true);
  const [[first] = [Buffer.alloc(0)]] = frames;
  await expect(decoded(Readable.from([first, other]))).rejects.toMatchObject({ code: 'E_BACKUP_DAMAGED' });
});
