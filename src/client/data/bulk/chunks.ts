import { setImmediate as nextTurn } from 'node:timers/promises';
import { messageOf, PitcrewError } from '../../../errors.ts';
import type { Column } from '../relation.ts';
import { type Text, textOf } from '../values.ts';
import type { RejectedRow } from './options.ts';

/** Rows on their way, as texts. */
export interface Chunk {
  rows: object[];
  texts: Text[][];
  /** Where each was in the source. */
  indexes: number[];
  /** Rows taken from the source for it, those that could not be written as text included. */
  taken: number;
  unwritable: RejectedRow[];
  /** The source had no more. */
  last: boolean;
}

/** A chunk ends when it has so many characters, too. */
const chunkLength = 1_000_000;

/** Rows after which the event loop goes on. */
const rowsPerTurn = 500;

export interface Cut {
  columns: readonly Column[];
  chunkRows: number;
  /** All rows must have these properties and no others. */
  exactly: readonly string[] | undefined;
  /** Rows that cannot be written as text are left out; otherwise they end it. */
  leaveOut: boolean;
}

/** Takes rows from a source, one chunk at a time. */
export class ChunkReader {
  readonly #next: () => IteratorResult<object> | Promise<IteratorResult<object>>;
  readonly #close: () => unknown;
  /** Taken from the source, but not yet part of a chunk. */
  #ahead: IteratorResult<object> | undefined;
  #index = 0;

  constructor(rows: Iterable<object> | AsyncIterable<object>) {
    const iterator =
      Symbol.asyncIterator in rows ? rows[Symbol.asyncIterator]() : (rows as Iterable<object>)[Symbol.iterator]();
    this.#next = () => iterator.next();
    this.#close = () => iterator.return?.();
  }

  /** The first row, which stays to be read. */
  async first(): Promise<object | undefined> {
    this.#ahead ??= await this.#next();
    return this.#ahead.done ? undefined : asRow(this.#ahead.value, 0);
  }

  /** Rows up to a chunk's end. One more is taken from the source, so that it is known whether the chunk is the last. */
  async chunk(cut: Cut): Promise<Chunk> {
    const chunk: Chunk = { rows: [], texts: [], indexes: [], taken: 0, unwritable: [], last: false };
    let length = 0;
    for (;;) {
      let step = this.#ahead;
      if (step === undefined) {
        const next = this.#next();
        // Sources that have their rows at hand are not waited for at every row.
        step = next instanceof Promise ? await next : next;
      }
      this.#ahead = step;
      chunk.last = step.done === true;
      if (step.done || chunk.taken >= cut.chunkRows || length >= chunkLength) return chunk;
      this.#ahead = undefined;
      length += this.#add(chunk, asRow(step.value, this.#index), cut);
      this.#index++;
      chunk.taken++;
      // What else there is to do has its turn, sending the chunk before this one among it.
      if (chunk.taken % rowsPerTurn === 0) await nextTurn();
    }
  }

  /** Tells the source that no more is wanted. Not waited for: it may be in the middle of something that never ends. */
  close(): void {
    void (async () => this.#close())().catch(() => {});
  }

  /** Adds a row, and gives its length. */
  #add(chunk: Chunk, row: object, { columns, exactly, leaveOut }: Cut): number {
    const index = this.#index;
    if (exactly) checkProperties(row, exactly, index);
    const texts: Text[] = [];
    let length = 0;
    let column: string | undefined;
    try {
      for (const { name, form } of columns) {
        column = name;
        const text = textOf((row as Record<string, unknown>)[name], form);
        texts.push(text);
        length += text === null ? 1 : text.length + 1;
      }
    } catch (error) {
      if (!leaveOut) {
        throw new PitcrewError('E_USAGE', `row ${index} has a value that cannot be written`, {
          detail: `${column}: ${messageOf(error)}.`,
          cause: error,
        });
      }
      const reason = messageOf(error);
      chunk.unwritable.push({
        index,
        row,
        column,
        constraint: undefined,
        sqlState: undefined,
        reason,
        detail: undefined,
      });
      return 0;
    }
    chunk.rows.push(row);
    chunk.texts.push(texts);
    chunk.indexes.push(index);
    return length;
  }
}

function asRow(row: unknown, index: number): object {
  if (typeof row === 'object' && row !== null) return row;
  throw new PitcrewError('E_USAGE', `row ${index} is no object`);
}

/** A property that only some rows have would be lost, or null in the others, and nobody would know. */
function checkProperties(row: object, names: readonly string[], index: number): void {
  const own = Object.keys(row);
  if (own.length === names.length && names.every((name) => Object.hasOwn(row, name))) return;
  const missing = names.filter((name) => !Object.hasOwn(row, name));
  const more = own.filter((name) => !names.includes(name));
  throw new PitcrewError('E_USAGE', `row ${index} has other properties than the first`, {
    detail: [missing.length > 0 && `Without ${missing.join(', ')}.`, more.length > 0 && `With ${more.join(', ')}.`]
      .filter(Boolean)
      .join(' '),
    hint: 'Name the columns in `columns`: then what a row lacks of them is null.',
  });
}
