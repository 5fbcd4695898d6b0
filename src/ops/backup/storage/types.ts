/** Something that is kept under a key. */
export interface StoredObject {
  key: string;
  bytes: number;
  modifiedAt: Date;
}

export interface PutOptions {
  /** Ends the writing; nothing is stored then. */
  signal?: AbortSignal | undefined;
  /** Refuses with `E_CONFLICT` when something is there already: of two who write at once, one succeeds. */
  onlyNew?: boolean | undefined;
}

export interface ByteRange {
  /** First byte. */
  from: number;
  /** Behind the last byte; the end by default. */
  to?: number | undefined;
  /** Each piece may be written over when the next one is asked for: spares memory, for who is done with it by then. */
  reuse?: boolean | undefined;
}

/**
 * Where backups are kept: a folder, or a bucket. Keys are paths of letters, digits and `._=+-`, with `/` between. What is stored is there whole or
 * not at all, whenever the writer dies, and safe on disk once `put` resolves.
 *
 * All throw `E_STORAGE` when the place cannot be reached, is full or denies us, and `E_BAD_REQUEST` for a key that cannot be one.
 */
export interface Storage {
  /** What people call it, such as `/var/backups/shop` or `s3://bucket/shop`; no secrets. */
  readonly name: string;
  /** Stores all that comes; replaces what was there. A piece may be written over once the next is asked for. @returns its length in bytes */
  put(key: string, source: AsyncIterable<Uint8Array>, options?: PutOptions): Promise<number>;
  /** Reads it, or a part. Iterating throws `E_NOT_FOUND` when there is none. */
  get(key: string, range?: ByteRange): AsyncIterable<Buffer>;
  head(key: string): Promise<StoredObject | undefined>;
  /** All whose keys begin so, in the order of their keys' bytes. */
  list(prefix: string): AsyncIterable<StoredObject>;
  /** Resolves too when there is none. */
  delete(key: string): Promise<void>;
  /** Removes what writers left unfinished that were last at work before `before`, or are known to be gone. @returns how many */
  sweep(before: Date): Promise<number>;
  close(): Promise<void>;
}
