/** The only block size that twins are made for: the embedded server's own. */
export const blockSize = 8192;

const words = blockSize / 4;
const sums = 32;
const prime = 16_777_619;

/** Where the sums begin: `checksumBaseOffsets` of PostgreSQL's `storage/checksum_impl.h`. */
const offsets = Uint32Array.of(
  0x5b1f36e9,
  0xb8525960,
  0x02ab50aa,
  0x1de66d2a,
  0x79ff467a,
  0x9bb9f8a3,
  0x217e7cd2,
  0x83e13d2c,
  0xf8d4474f,
  0xe39eb970,
  0x42c6ae16,
  0x993216fa,
  0x7b093b5d,
  0x98daff3c,
  0xf718902a,
  0x0b1c9cdb,
  0xe58f764b,
  0x187636bc,
  0x5d7b3bb1,
  0xe73de7de,
  0x92bec979,
  0xcca6c0b2,
  0x304a0979,
  0x85aa43d4,
  0x783125bb,
  0x6ca8eaa2,
  0xe407eac6,
  0x4b5cfc3e,
  0x9fbf8c76,
  0x15ca20be,
  0xf2ca9fd3,
  0x959bd756,
);

const checksumAt = 8;

/** Writes a page's checksum into it, as `pg_checksum_page` computes it: FNV-1a over 32 columns of words. */
export function sealPage(page: Buffer, block: number): void {
  page.writeUInt16LE(0, checksumAt);
  const state = Uint32Array.from(offsets);
  const mix = (column: number, value: number): void => {
    const mixed = ((state[column] ?? 0) ^ value) >>> 0;
    state[column] = (Math.imul(mixed, prime) ^ (mixed >>> 17)) >>> 0;
  };
  for (let word = 0; word < words; word += 1) mix(word % sums, page.readUInt32LE(word * 4));
  for (let round = 0; round < 2; round += 1) for (let column = 0; column < sums; column += 1) mix(column, 0);
  const folded = (state.reduce((sum, each) => (sum ^ each) >>> 0, 0) ^ block) >>> 0;
  page.writeUInt16LE((folded % 65_535) + 1, checksumAt);
}
