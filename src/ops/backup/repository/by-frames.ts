import { Buffer } from 'node:buffer';

const frameMagic = 0xfd2fb528;
/** The last four bits are anything. */
const skippableMagic = 0x184d2a50;
const checksumBytes = 4;

/** What comes next in a compressed file: so many bytes that say what follows them. */
type Next = { bytes: number; read(head: Buffer): Skip };
/** So many bytes that need not be looked at. `next`: what follows; without it the frame ends there. */
type Skip = { bytes: number; next?: Next | undefined };

const magic: Next = { bytes: 4, read: afterMagic };

function afterMagic(head: Buffer): Skip {
  const word = head.readUInt32LE();
  if (word === frameMagic) return { bytes: 0, next: { bytes: 1, read: afterDescriptor } };
  if ((word & ~0xf) === skippableMagic) {
    return { bytes: 0, next: { bytes: 4, read: (size) => ({ bytes: size.readUInt32LE() }) } };
  }
  // It is for whoever decompresses it to say that this is no frame.
  return { bytes: Infinity };
}

function afterDescriptor(head: Buffer): Skip {
  const descriptor = head.readUInt8();
  const isSingle = (descriptor & 0x20) !== 0;
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const block = blockOf((descriptor & 4) === 0 ? 0 : checksumBytes);
  return { bytes: (isSingle ? 0 : 1) + dictionaryBytes + sizeBytes, next: block };
}

/** @param after so many bytes follow the last block */
function blockOf(after: number): Next {
  const block: Next = {
    bytes: 3,
    read(head) {
      const word = head.readUIntLE(0, 3);
      // One byte that is repeated so often.
      const bytes = ((word >> 1) & 3) === 1 ? 1 : word >> 3;
      return (word & 1) === 0 ? { bytes, next: block } : { bytes: bytes + after };
    },
  };
  return block;
}

/**
 * Cuts a file that zstd has made where its frames end (RFC 8878), and hands it on otherwise as it comes. Node takes it for the end of the file when something follows
 * in a piece that begins with the last bytes of a frame, its checksum.
 */
export async function* byFrames(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let next = magic;
  let head = Buffer.alloc(0);
  /** To be skipped before what is next. */
  let left = 0;
  let isLast = false;
  for await (const piece of source) {
    let from = 0;
    let at = 0;
    while (at < piece.length || (left === 0 && isLast)) {
      if (left === 0 && isLast) {
        if (at > from) yield piece.subarray(from, at);
        from = at;
        [next, isLast] = [magic, false];
      } else if (left > 0) {
        const skipped = Math.min(left, piece.length - at);
        at += skipped;
        left -= skipped;
      } else {
        const taken = piece.subarray(at, at + next.bytes - head.length);
        at += taken.length;
        head = Buffer.concat([head, taken]);
        if (head.length < next.bytes) continue;
        const skip = next.read(head);
        head = Buffer.alloc(0);
        left = skip.bytes;
        if (skip.next) ({ next } = skip);
        else isLast = true;
      }
    }
    if (at > from) yield piece.subarray(from, at);
  }
}
