import { PitcrewError } from '../../../errors.ts';
import type { Keyring } from '../keys/index.ts';
import type { Storage } from '../storage/index.ts';
import { checksumKey, isChecksum, storeChecksum } from './checksum.ts';
import { storeEncoded } from './encode.ts';
import { gapKey, gapsPrefix, nameOfKey, partialName, streamKey, trimmedKey, walKey, walPrefix } from './layout.ts';
import { type LogContent, logContent } from './log-content.ts';
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
export interface LogObjects extends LogContent {
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
    ...logContent(storage, () => keyring().identities()),
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
