import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';

const everyBytes = 32 * 1024 * 1024;

/**
 * Writes all that comes into a new file, for its owner only, and brings it to disk: on the way too, so that there is little left to wait for at the end, and memory is not
 * full of what others will have to wait for; not so without `flush`. The next piece is asked for when one was written: each may be written over then.
 * @returns its length in bytes @throws `EEXIST` where there is something, a link as well; what the disk says, and the source
 */
export async function writeFile(
  path: string,
  source: AsyncIterable<Uint8Array>,
  { flush = true } = {},
): Promise<number> {
  // Exclusive: neither a file nor a link that is there is written to.
  await using file = await open(path, 'wx', 0o600);
  let length = 0;
  let waiting = 0;
  let failure: unknown;
  let flushing: Promise<void> | undefined;
  for await (const piece of source) {
    await writeAll(file, piece);
    length += piece.length;
    waiting += piece.length;
    if (!flush || waiting < everyBytes || flushing) continue;
    waiting = 0;
    flushing = file.datasync().then(
      () => void (flushing = undefined),
      // The system tells it once: the flush at the end would say that all is well.
      (error: unknown) => void (failure ??= error),
    );
  }
  await flushing;
  if (failure) throw failure;
  if (flush) await file.sync();
  return length;
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten;
}
