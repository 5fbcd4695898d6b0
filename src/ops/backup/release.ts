import type { Buffer } from 'node:buffer';

/**
 * Gives back at once the memory of a buffer that has it to itself, and is not needed any more. Left to the collector, many MB of it wait, and have V8 look through the
 * heap again and again.
 */
export function release({ buffer }: Buffer): void {
  // Transferred to one that is empty.
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
