import { PitcrewError } from '../../../errors.ts';
import type { TableReference } from '../names.ts';

export interface BulkOptions {
  table: TableReference;
  /** From any source; a slow one is waited for, a fast one waits for the server. Not more than two chunks are in memory. */
  rows: Iterable<object> | AsyncIterable<object>;
  /**
   * The columns to write; what a row lacks of them is null. Default: the properties of the first row, which all others must have
   * as well, no more and no less. Generated columns are left out.
   */
  columns?: readonly string[] | undefined;
  /** Rows in one statement, at most. Default 10,000 where rows are copied, else 1,000; less where rows are longer than 100 or 1,000 bytes. */
  chunkRows?: number | undefined;
  /**
   * `allOrNothing` (default): one transaction. `perChunk`: one for each chunk, in which rows that the server refuses are left out
   * and reported, and what was written stays written whatever comes later.
   */
  mode?: 'allOrNothing' | 'perChunk' | undefined;
  /** Told after every chunk. */
  onProgress?: ((progress: BulkProgress) => void) | undefined;
  /** Told of every row that was left out, once that is certain. */
  onRejected?: ((row: RejectedRow) => void) | undefined;
  /** Stops it, also while the source is waited for: what is not committed is rolled back. Its reason is thrown. */
  signal?: AbortSignal | undefined;
}

export interface BulkInsertOptions extends BulkOptions {
  /** What becomes of rows that are there already by any unique key: an error (default), or `nothing`. */
  onConflict?: 'error' | 'nothing' | undefined;
}

export interface BulkUpdateOptions extends BulkOptions {
  /** The columns that tell which rows to update. Default: the primary key. */
  key?: string | readonly string[] | undefined;
}

export interface BulkUpsertOptions extends BulkOptions {
  /** The columns of a unique index, by which a row is there already. Default: the primary key. */
  key?: string | readonly string[] | undefined;
  /** What becomes of rows that are there already: all columns are set (default), some are, or `nothing`. */
  onConflict?: 'update' | 'nothing' | { update: readonly string[] } | undefined;
}

export interface BulkProgress {
  /** Rows taken from the source and done with. */
  rows: number;
  /** Rows that the server wrote. */
  written: number;
  rejected: number;
}

export interface BulkResult extends BulkProgress {
  /** In `perChunk` mode, the first 1,000 of them; `onRejected` is told of all. */
  rejections: RejectedRow[];
}

/** A row that the server refused, or that could not be written as text. */
export interface RejectedRow {
  /** Of the source, from 0. */
  index: number;
  row: object;
  /** Where it is known. */
  column: string | undefined;
  constraint: string | undefined;
  sqlState: string | undefined;
  reason: string;
  detail: string | undefined;
}

/** How many rejected rows a result keeps. */
export const keptRejections = 1000;

/** @throws `E_USAGE` for options that make no sense */
export function checkOptions({ chunkRows, mode, columns }: BulkOptions): void {
  if (chunkRows !== undefined && !(Number.isSafeInteger(chunkRows) && chunkRows > 0)) {
    throw new PitcrewError('E_USAGE', `chunkRows cannot be ${String(chunkRows)}`, {
      hint: 'Give a whole number from 1.',
    });
  }
  if (mode !== undefined && mode !== 'allOrNothing' && mode !== 'perChunk') {
    throw new PitcrewError('E_USAGE', `mode cannot be ${JSON.stringify(mode)}`, {
      hint: 'Allowed: allOrNothing, perChunk.',
    });
  }
  if (columns && (columns.length === 0 || new Set(columns).size < columns.length)) {
    throw new PitcrewError('E_USAGE', 'columns names none, or one of them twice');
  }
}
