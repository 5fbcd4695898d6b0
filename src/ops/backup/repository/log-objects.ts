import type { Buffer } from 'node:buffer';
import { PitcrewError } from '../../../errors.ts';
import type { Keyring } from '../keys/index.ts';
import type { Storage } from '../storage/index.ts';
import { checksumKey, isChecksum, storeChecksum } from './checksum.ts';
import { decode, storeEncoded } from './encode.ts';
import { gapKey, gapsPrefix, nameOfKey, partialName, streamKey, trimmedKey, walKey, walPrefix } from './layout.ts';
import { named } from './named.ts';
import { readRecord, recordText, storeText } from './record-file.ts';
import type { StoredFile } from './records.ts';
import {
  type GapRecord,
  gapRecord,
  type StreamRecord,
  streamRecord,
  type TrimmedRecord,
  trimmedRecord,
} from './stream-records.ts';

/** The log of a repository: segments, what there is of one that is not complete, histories of timelines, and what a stream says of them. */
export interface LogObjects {
  /** Stores a complete segment or a history, then its checksum; what is there already stays. */
  putWal(name: string, source: AsyncIterable<Uint8Array>): Promise<StoredFile | 'there'>;
  /** Stores what there is of a segment that is not complete, in place of what was there of it. */
  putPartial(name: string, source: AsyncIterable<Uint8Array>): Promise<void>;
  /** Removes the part of a segment, which is complete now. */
  deletePartial(name: string): Promise<void>;
  /** All segments and histories, by timeline and name; what is there of one that is not complete as `NAME.partial`. */
  wal(): AsyncIterable<{ name: string; key: string; bytes: number }>;
  /** Removes a segment or history, by its key, with its checksum. */
  removeWal(key: string): Promise<void>;
  hasWal(name: string): Promise<boolean>;
  /** The content of a segment or history; `undefined` when it is not there. */
  readWal(name: string): Promise<AsyncIterable<Buffer> | undefined>;
  /** How far a stream has brought the log; `undefined` where there was none. */
  stream(): Promise<StreamRecord | undefined>;
  putStream(record: StreamRecord): Promise<void>;
  /** Log that is lost, by timeline and position. */
  gaps(): Promise<GapRecord[]>;
  putGap(record: GapRecord): Promise<void>;
  /** Removes the record of lost log, by its first segment. */
  removeGap(first: string): Promise<void>;
  /** Before which place log was removed on purpose; `undefined` where none was. */
  trimmed(): Promise<TrimmedRecord | undefined>;
  putTrimmed(record: TrimmedRecord): Promise<void>;
}

export interface LogObjectsOptions {
  storage: Storage;
  /** As of now. */
  keyring(): Keyring;
  /** Of zstd. */
  level: number;
}

export function logObjects({ storage, keyring, level }: LogObjectsOptions): LogObjects {
  /** Recipients may have come or gone since it was stored. */
  async function find(name: string): Promise<{ key: string; encrypted: boolean } | undefined> {
    for (const encrypted of [true, false]) {
      const key = walKey(name, { encrypted });
      if (await storage.head(key)) return { key, encrypted };
    }
    return undefined;
  }

  async function store(
    name: string,
    source: AsyncIterable<Uint8Array>,
    put: { onlyNew?: boolean } = {},
  ): Promise<StoredFile> {
    const recipients = await keyring().recipients();
    const key = walKey(name, { encrypted: recipients.length > 0 });
    return storeEncoded(storage, { key, name }, source, { ...put, recipients, level, jobs: 1 });
  }

  return {
    async putWal(name, source) {
      try {
        const stored = await store(name, source, { onlyNew: true });
        await storeChecksum(storage, stored.key, stored.sha256);
        return stored;
      } catch (error) {
        if (error instanceof PitcrewError && error.code === 'E_CONFLICT') return 'there';
        throw error;
      }
    },
    async putPartial(name, source) {
      const { key } = await store(partialName(name), source);
      // Whether it is encrypted may have changed since it was stored before, and there is but one that counts.
      for (const encrypted of [true, false]) {
        const other = walKey(partialName(name), { encrypted });
        if (other !== key) await storage.delete(other);
      }
    },
    async deletePartial(name) {
      for (const encrypted of [true, false]) await storage.delete(walKey(partialName(name), { encrypted }));
    },
    async *wal() {
      for await (const { key, bytes } of storage.list(walPrefix)) {
        if (!isChecksum(key)) yield { name: nameOfKey(key), key, bytes };
      }
    },
    async removeWal(key) {
      // What is left of a removal that died is a segment like any other.
      await storage.delete(checksumKey(key));
      await storage.delete(key);
    },
    hasWal: async (name) => (await find(name)) !== undefined,
    async readWal(name) {
      const found = await find(name);
      if (!found) return undefined;
      const { key, encrypted } = found;
      return named(key, decode(storage.get(key), { encrypted, identities: keyring().identities }));
    },
    stream: () => readRecord(storage, streamKey, streamRecord),
    putStream: (record) => storeText(storage, streamKey, recordText(streamRecord, record)),
    async gaps() {
      const found: GapRecord[] = [];
      for await (const { key } of storage.list(gapsPrefix)) {
        const record = await readRecord(storage, key, gapRecord);
        if (record) found.push(record);
      }
      return found;
    },
    putGap: (record) => storeText(storage, gapKey(record.first), recordText(gapRecord, record)),
    removeGap: (first) => storage.delete(gapKey(first)),
    trimmed: () => readRecord(storage, trimmedKey, trimmedRecord),
    putTrimmed: (record) => storeText(storage, trimmedKey, recordText(trimmedRecord, record)),
  };
}
