import { LRUCache } from 'lru-cache';
import type { RawResult } from '../../pool/index.ts';
import type { QueryCacheSettings } from '../options.ts';

type Limits = QueryCacheSettings['memory'];

/** A result that is kept. Times in ms since the epoch. */
export interface KeptResult {
  readonly raw: RawResult;
  readonly createdAt: number;
  readonly keptUntil: number;
}

/** A key, an entry of the index, and what a row and a value take beside their texts. */
const entryBytes = 600;
const rowBytes = 32;
const valueBytes = 24;

/** What a result takes in memory, nearly. */
function sizeOf({ rows, fields }: RawResult): number {
  let bytes = entryBytes + fields.length * 100;
  for (const row of rows) {
    bytes += rowBytes + row.length * valueBytes;
    for (const value of row) bytes += value?.length ?? 0;
  }
  return bytes;
}

/** Results in this process's memory; of those that were not used for longest it lets go when there are too many. */
export class ResultMemory {
  readonly #kept: LRUCache<string, { result: KeptResult; bytes: number }>;
  readonly #mostBytes: number;
  #evictions = 0;

  /** @param letGo told of what has to go to make room */
  constructor({ maxEntries, maxBytes, maxResultBytes }: Limits, letGo: (key: string) => void) {
    this.#mostBytes = Math.min(maxBytes, maxResultBytes);
    this.#kept = new LRUCache<string, { result: KeptResult; bytes: number }>({
      max: maxEntries,
      maxSize: maxBytes,
      sizeCalculation: ({ bytes }) => bytes,
      dispose: (_kept, key, reason) => {
        if (reason !== 'evict') return;
        this.#evictions += 1;
        letGo(key);
      },
    });
  }

  get(key: string): KeptResult | undefined {
    return this.#kept.get(key)?.result;
  }

  set(key: string, result: KeptResult, bytes: number): void {
    this.#kept.set(key, { result, bytes });
  }

  delete(keys: readonly string[]): void {
    for (const key of keys) this.#kept.delete(key);
  }

  /** What a result takes, in bytes, nearly; `undefined` where that is more than one may take. */
  bytesOf(raw: RawResult): number | undefined {
    const bytes = sizeOf(raw);
    return bytes > this.#mostBytes ? undefined : bytes;
  }

  stats(): { entries: number; bytes: number; evictions: number } {
    return { entries: this.#kept.size, bytes: this.#kept.calculatedSize, evictions: this.#evictions };
  }
}
