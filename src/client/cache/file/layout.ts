import { hash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { encodeText } from '../values/index.ts';

/**
 * What is in the folder of a file tier:
 *
 *   journal           what was invalidated, in order
 *   usage             how much is held, as differences
 *   entries/a/7/…     one file per entry, by the SHA-256 of its key
 *   temporary/…       files that are being written
 */
export interface Layout {
  readonly folder: string;
  readonly journal: string;
  readonly usage: string;
  readonly temporary: string;
}

export function layoutOf(folder: string): Layout {
  return {
    folder,
    journal: join(folder, 'journal'),
    usage: join(folder, 'usage'),
    temporary: join(folder, 'temporary'),
  };
}

/** What is cached may be nobody else's business. */
export const folderMode = 0o700;

const digits = [...'0123456789abcdef'];
/** Folders of entries, all about equally full. */
export const shards: readonly string[] = digits.flatMap((first) => digits.map((second) => `${first}/${second}`));

export function shardPath({ folder }: Layout, shard: string): string {
  return join(folder, 'entries', shard);
}

export function entryPath({ folder }: Layout, key: string): string {
  const name = hash('sha256', key, 'hex');
  return `${folder}/entries/${name[0]}/${name[1]}/${name.slice(2)}`;
}

/** A name that no other process uses. */
export function temporaryPath({ temporary }: Layout): string {
  return join(temporary, `${process.pid}-${randomBytes(9).toString('base64url')}`);
}

const magic = Buffer.from('PCF\u0001', 'latin1');

/** The content of an entry's file: its key, then what `encode` gave. */
export function frame(key: string, value: Uint8Array): Buffer {
  return Buffer.concat([framePrefix(key), value]);
}

/** The value of a file, or the part of it that was read; `undefined` when the file is not of that key. */
export function unframe(key: string, content: Buffer): Buffer | undefined {
  const prefix = framePrefix(key);
  return content.subarray(0, prefix.length).equals(prefix) ? content.subarray(prefix.length) : undefined;
}

function framePrefix(key: string): Buffer {
  const { isWide, bytes } = encodeText(key);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length * 2 + (isWide ? 1 : 0));
  return Buffer.concat([magic, length, bytes]);
}

/** What a file takes of a disk, in bytes: disks give whole blocks. */
export function bytesOnDisk(size: number): number {
  return Math.ceil(size / 4096) * 4096;
}
