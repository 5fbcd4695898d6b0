import { Buffer } from 'node:buffer';

/** Gives the next part of what is being stored; `undefined` behind the last. */
export type TakePart = () => Promise<Buffer | undefined>;

/** What is small takes little room: the first part begins so, and grows. */
const firstBytes = 64 * 1024;

/** What is being stored, part by part. */
export interface Parts {
  take: TakePart;
  /** A part was sent: its memory is used again. Left to the collector, many times as much would be in use. */
  release(part: Buffer): void;
}

/** Cuts what comes into parts of `size` bytes. The last may be shorter; none is empty. */
export function partsOf(source: AsyncIterable<Uint8Array>, size: number): Parts {
  const spare: Buffer[] = [];
  const parts = cut(source, size, () => spare.pop() ?? Buffer.allocUnsafeSlow(size));
  return {
    take: async () => (await parts.next()).value,
    release(part) {
      if (part.length === size) spare.push(part);
    },
  };
}

async function* cut(
  source: AsyncIterable<Uint8Array>,
  size: number,
  newBlock: () => Buffer,
): AsyncGenerator<Buffer, undefined> {
  let block: Buffer = Buffer.allocUnsafeSlow(Math.min(firstBytes, size));
  let filled = 0;
  for await (const piece of source) {
    for (let at = 0; at < piece.length;) {
      if (filled === size) {
        yield block;
        block = newBlock();
        filled = 0;
      }
      const length = Math.min(size - filled, piece.length - at);
      block = withRoom(block, filled, filled + length, size);
      block.set(piece.subarray(at, at + length), filled);
      filled += length;
      at += length;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}

function withRoom(block: Buffer, filled: number, needed: number, most: number): Buffer {
  if (needed <= block.length) return block;
  const larger = Buffer.allocUnsafeSlow(Math.min(most, Math.max(needed, block.length * 4)));
  block.copy(larger, 0, 0, filled);
  return larger;
}

/** Some parts, and then as many of those behind them as make `count`. */
export function firstOf(parts: readonly Buffer[], take: TakePart, count = Infinity): TakePart {
  let taken = 0;
  return async () => {
    taken += 1;
    if (taken > count) return undefined;
    return parts[taken - 1] ?? take();
  };
}
