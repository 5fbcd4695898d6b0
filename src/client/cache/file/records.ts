import { crc32 } from 'node:zlib';
import type { Invalidation } from '../invalidation.ts';

/** What one process invalidated at once. */
export interface JournalRecord {
  /** Which handle wrote it. */
  readonly origin: string;
  readonly what: readonly Invalidation[];
}

const newline = 0x0a;

/**
 * A record is a line: CRC-32, a blank, JSON, which has no newlines and keeps any text. It begins with a newline as well, so
 * that a record of which only a part was written (the disk was full) does not spoil the next.
 */
export function writeRecord({ origin, what }: JournalRecord): Buffer {
  const json = JSON.stringify([origin, what]);
  return Buffer.from(`\n${checksum(json)} ${json}\n`);
}

/** The whole lines that bytes begin with, and where each ends; `undefined` for one that is no record. */
export function* readRecords(bytes: Buffer): Generator<{ record: JournalRecord | undefined; end: number }> {
  let start = 0;
  for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
    if (end > start) yield { record: readRecord(bytes.toString('utf8', start, end)), end: end + 1 };
    start = end + 1;
  }
}

/** Where the last whole line ends. */
export function wholeLines(bytes: Buffer): number {
  return bytes.lastIndexOf(newline) + 1;
}

function readRecord(line: string): JournalRecord | undefined {
  const json = line.slice(9);
  if (line.slice(0, 9) !== `${checksum(json)} `) return undefined;
  try {
    const [origin, what] = JSON.parse(json) as [unknown, unknown];
    if (typeof origin !== 'string' || !Array.isArray(what) || !what.every(isInvalidation)) return undefined;
    return { origin, what };
  } catch {
    return undefined;
  }
}

function isInvalidation(each: unknown): each is Invalidation {
  if (typeof each !== 'object' || each === null || !('kind' in each)) return false;
  const { kind } = each;
  if (kind === 'all') return true;
  if (kind !== 'key' && kind !== 'tag' && kind !== 'prefix' && kind !== 'pattern' && kind !== 'note') return false;
  return typeof (each as Record<string, unknown>)[kind === 'note' ? 'text' : kind] === 'string';
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
