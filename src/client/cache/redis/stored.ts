import type { Position } from '../tier.ts';

/**
 * What is at a value's key: a kind, a stamp of the same length everywhere, and for an entry its bytes. `E` is an entry, `T` a tombstone:
 * nothing whose load began before that stamp. `P` is one whose stamp is not known yet: nothing at all. Stamps are decimal digits, so that
 * scripts can compare them as text.
 */
const epochDigits = 16;
const atDigits = 16;
export const headLength = 1 + epochDigits + atDigits;

export const entryKind = 69;
const tombstoneKinds = new Set([84, 80]);

export function stampOf({ epoch, at }: Position): string {
  return epoch + String(at).padStart(atDigits, '0');
}

export function withHead(position: Position, bytes: Uint8Array): Buffer {
  const stored = Buffer.allocUnsafe(headLength + bytes.length);
  stored.write(`E${stampOf(position)}`, 0, 'latin1');
  stored.set(bytes, headLength);
  return stored;
}

export function isTombstone(stored: Buffer): boolean {
  return stored.length === headLength && tombstoneKinds.has(stored[0] ?? 0);
}

export function tombstone(position: Position): string {
  return `T${stampOf(position)}`;
}

/** A mark of this caller alone. */
export function pendingMark(): string {
  const digits = Array.from({ length: 4 }, () =>
    Math.floor(Math.random() * 1e8)
      .toString()
      .padStart(8, '0'),
  );
  return `P${digits.join('')}`;
}
