import { Buffer } from 'node:buffer';

/** Gives the next part of what is being stored; `undefined` behind the last. */
export type TakePart = () => Promise<Buffer | undefined>;

/** What is small takes little room: the first part begins so, and grows. */
const firstBytes = 64 * 1024;

/** Cuts what comes into parts of `size` bytes. The last may be shorter; none is empty. */
export async function* inParts(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer, undefined> {
  let block: Buffer = Buffer.allocUnsafeSlow(Math.min(firstBytes, size));
  let filled = 0;
  for await (const piece of source) {
    for (let at = 0; at < piece.length;) {
      if (filled === size) {
        yield block;
        block = Buffer.allocUnsafeSlow(size);
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
