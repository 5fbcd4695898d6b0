import { constants } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openIfThere, withFolder } from './files.ts';
import { type Layout, temporaryPath } from './layout.ts';

/** A difference in bytes and in entries, f64 each, little-endian. */
const recordBytes = 16;
/** After so many differences all is counted anew: processes that were killed have not told theirs. */
const mostRecords = 4096;
/** Told to the others after so many entries, or the 1,024th part of the limit. */
const entriesPerRecord = 500;

/**
 * About how much a folder holds, for all processes that share it: each appends to a file by how much it has changed that, a batch
 * at a time, and reads what the others have.
 */
export class Usage {
  readonly #layout: Layout;
  readonly #bytesPerRecord: number;
  #told = { bytes: 0, entries: 0 };
  #own = { bytes: 0, entries: 0 };
  #isCounted = false;
  #telling: Promise<void> | undefined;

  constructor(layout: Layout, maxBytes: number) {
    this.#layout = layout;
    this.#bytesPerRecord = maxBytes / 1024;
  }

  get bytes(): number {
    return Math.max(0, this.#told.bytes + this.#own.bytes);
  }

  get entries(): number {
    return Math.max(0, this.#told.entries + this.#own.entries);
  }

  /** Whether anybody has counted; else only what changed since is known. */
  get isCounted(): boolean {
    return this.#isCounted;
  }

  /** Adds to it, and tells the others now and then. */
  note(bytes: number, entries: number): void {
    this.#own.bytes += bytes;
    this.#own.entries += entries;
    const isDue = Math.abs(this.#own.bytes) >= this.#bytesPerRecord || Math.abs(this.#own.entries) >= entriesPerRecord;
    // Another time will do as well: what is not told is kept.
    if (isDue) this.tell().catch(() => {});
  }

  /** Tells the others, and reads what they told; one at a time. */
  tell(): Promise<void> {
    this.#telling ??= this.#tellAndRead().finally(() => {
      this.#telling = undefined;
    });
    return this.#telling;
  }

  /** All is going to be counted, what is not told yet with it. */
  beginCount(): void {
    this.#own = { bytes: 0, entries: 0 };
  }

  /** It was counted, but for what was noted since that began. */
  async replace(bytes: number, entries: number): Promise<void> {
    const temporary = temporaryPath(this.#layout);
    try {
      await withFolder(dirname(temporary), () => writeFile(temporary, recordOf(bytes, entries), { flag: 'wx' }));
      await rename(temporary, this.#layout.usage);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await this.#read();
  }

  async #tellAndRead(): Promise<void> {
    const { bytes, entries } = this.#own;
    if (this.#isCounted && (bytes !== 0 || entries !== 0)) {
      if (await this.#append(recordOf(bytes, entries))) {
        this.#own.bytes -= bytes;
        this.#own.entries -= entries;
        // Until it is read with the others'.
        this.#told.bytes += bytes;
        this.#told.entries += entries;
      }
    }
    await this.#read();
  }

  /** False when there is no file: a new one would look as if this were all. */
  async #append(record: Buffer): Promise<boolean> {
    const file = await openIfThere(this.#layout.usage, constants.O_WRONLY | constants.O_APPEND);
    if (!file) return false;
    try {
      await file.write(record);
      return true;
    } finally {
      await file.close();
    }
  }

  async #read(): Promise<void> {
    const file = await openIfThere(this.#layout.usage);
    if (!file) {
      this.#isCounted = false;
      return;
    }
    try {
      const found = await file.stat();
      // All of it: it is short, and others may have replaced it.
      const content = Buffer.alloc(Math.min(found.size, (mostRecords + 1) * recordBytes));
      const { bytesRead } = await file.read(content, 0, content.length, 0);
      const told = { bytes: 0, entries: 0 };
      for (let at = 0; at + recordBytes <= bytesRead; at += recordBytes) {
        told.bytes += content.readDoubleLE(at);
        told.entries += content.readDoubleLE(at + 8);
      }
      const isSound = Number.isFinite(told.bytes) && Number.isFinite(told.entries) && bytesRead % recordBytes === 0;
      this.#isCounted = isSound && bytesRead > 0 && found.size <= mostRecords * recordBytes;
      this.#told = isSound ? told : { bytes: 0, entries: 0 };
    } finally {
      await file.close();
    }
  }
}

function recordOf(bytes: number, entries: number): Buffer {
  const record = Buffer.alloc(recordBytes);
  record.writeDoubleLE(bytes, 0);
  record.writeDoubleLE(entries, 8);
  return record;
}
