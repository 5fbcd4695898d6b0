import { open } from 'node:fs/promises';

const mostBytes = 256 * 1024;

/** Reads what a file has behind a place: each call returns the lines that have come to their end since the one before. */
export function newLines(path: string, start: number): () => Promise<string[]> {
  let at = start;
  let rest = '';
  return async () => {
    const lines: string[] = [];
    await using file = await open(path, 'r');
    // It is emptied when it gets too long.
    if ((await file.stat()).size < at) at = 0;
    for (;;) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(mostBytes), 0, mostBytes, at);
      if (bytesRead === 0) return lines;
      at += bytesRead;
      const parts = (rest + buffer.toString('utf8', 0, bytesRead)).split('\n');
      // A line without an end is not kept for ever.
      rest = (parts.pop() ?? '').slice(0, mostBytes);
      lines.push(...parts);
    }
  };
}
