import type { Position } from '../tier.ts';

/**
 * What is at a value's key: a kind, a stamp (epoch and number), and for an entry when it was made, in ms, and its bytes. `E` is an entry,
 * `T` a tombstone: nothing whose load began before that stamp. `P` is one whose stamp is not known yet: nothing at all. All numbers are
 * decimal digits of the same length everywhere, so that scripts can compare them as text.
 */
const digits = 16;
const tombstoneLength = 1 + 2 * digits;
export const prefixLength = tombstoneLength + digits;
const tombstoneKinds = new Set([84, 80]);

function stampOf({ epoch, at }: Position): string {
  return epoch + padded(at);
}

function padded(number: number): string {
  return String(Math.max(Math.floor(number), 0))
    .padStart(digits, '0')
    .slice(-digits);
}

/** What an entry's bytes begin with at a value's key. */
export function prefixOf(position: Position, createdAt: number): string {
  return `E${stampOf(position)}${padded(createdAt)}`;
}

export function isTombstone(stored: Buffer): boolean {
  return stored.length === tombstoneLength && tombstoneKinds.has(stored[0] ?? 0);
}

export function tombstone(position: Position): string {
  return `T${stampOf(position)}`;
}

/** A mark of this caller alone. */
export function pendingMark(): string {
  const parts = Array.from({ length: 4 }, () =>
    Math.floor(Math.random() * 1e8)
      .toString()
      .padStart(8, '0'),
  );
  return `P${parts.join('')}`;
}
