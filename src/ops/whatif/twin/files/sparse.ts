import { chownSync, closeSync, ftruncateSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { blockSize } from './page.ts';

/** Blocks of one file; what is larger goes on in `<file>.1`, `<file>.2`, … */
const segmentBlocks = 131_072;

/**
 * Makes a relation's file as long as `blocks`, without taking room on the disk: what was never written reads as zeros. A file
 * that is as long already stays. `front`: turns the first block into what is to stand at the beginning.
 */
export function extendSparsely(
  dataDir: string,
  file: string,
  blocks: number,
  front?: (first: Buffer) => Buffer | undefined,
): void {
  const path = join(dataDir, file);
  const owner = statSync(path);
  for (let segment = 0; segment * segmentBlocks < Math.max(blocks, 1); segment += 1) {
    const length = Math.min(blocks - segment * segmentBlocks, segmentBlocks) * blockSize;
    const opened = openSync(segment === 0 ? path : `${path}.${segment}`, segment === 0 ? 'r+' : 'w+', 0o600);
    try {
      if (segment === 0 && front) {
        const first = Buffer.alloc(blockSize);
        if (readSync(opened, first, 0, blockSize, 0) === blockSize) {
          const pages = front(first);
          if (pages) writeSync(opened, pages, 0, pages.length, 0);
        }
      }
      ftruncateSync(opened, Math.max(length, segment === 0 ? owner.size : 0));
    } finally {
      closeSync(opened);
    }
    // Made by root, it must belong to the user who runs the server.
    if (segment > 0 && process.getuid?.() === 0) chownSync(`${path}.${segment}`, owner.uid, owner.gid);
  }
}
