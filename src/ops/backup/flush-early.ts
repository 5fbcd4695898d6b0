import { fdatasync, type WriteStream } from 'node:fs';
import { promisify } from 'node:util';

const everyBytes = 32 * 1024 * 1024;
const toDisk = promisify(fdatasync);

/**
 * Hands on what is written into a file, and has it brought to disk on the way, so that there is little left to wait for at the end, and memory is not full of what
 * others will have to wait for. The file itself is flushed when it ends.
 * @throws what the disk says, before the end
 */
export async function* flushEarly<Piece extends Uint8Array>(
  source: AsyncIterable<Piece>,
  file: () => WriteStream,
): AsyncGenerator<Piece> {
  let waiting = 0;
  let failure: unknown;
  let flushing: Promise<void> | undefined;
  for await (const piece of source) {
    yield piece;
    waiting += piece.length;
    const { fd } = file() as { fd?: number | null };
    if (waiting < everyBytes || flushing || typeof fd !== 'number') continue;
    waiting = 0;
    flushing = toDisk(fd).then(
      () => (flushing = undefined),
      // The system tells it once: the flush at the end would say that all is well.
      (error: unknown) => (failure ??= error),
    ) as Promise<void>;
  }
  await flushing;
  if (failure) throw failure;
}
