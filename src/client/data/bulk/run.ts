import { PitcrewError } from '../../../errors.ts';
import { atomically, type Database, isInTransaction, signalOf, untilAborted } from '../database.ts';
import { forgetRelations, fromRelation, type Relation } from '../relation.ts';
import { type Chunk, ChunkReader, type Cut } from './chunks.ts';
import { type BulkOptions, type BulkResult, checkOptions, keptRejections, type RejectedRow } from './options.ts';
import { type Plan, willCopy, write, writeArrays } from './plan.ts';
import { refusal, refusesRow, writeRest } from './refusals.ts';

const defaultRows = { copied: 10_000, asArrays: 1000 };

/** Takes the rows from their source and writes them, chunk by chunk, while the next one is being read. */
export async function runBulk(
  database: Database,
  options: BulkOptions,
  planned: (relation: Relation, columns: readonly string[]) => Plan,
): Promise<BulkResult> {
  checkOptions(options);
  const { rows, table, mode = 'allOrNothing' } = options;
  const signal = signalOf(database, options.signal);
  signal?.throwIfAborted();
  const reader = new ChunkReader(rows);
  const tally = new Tally(options);
  try {
    const first = await untilAborted(reader.first(), signal);
    if (first === undefined) return tally.result();
    const names = options.columns ?? Object.keys(first);
    const plan = await fromRelation(database, table, (relation) => planned(relation, names));
    const cut: Cut = {
      columns: plan.columns,
      chunkRows: options.chunkRows ?? (plan.copy ? defaultRows.copied : defaultRows.asArrays),
      exactly: options.columns ? undefined : names,
      leaveOut: mode === 'perChunk',
    };
    const bulk: Bulk = { database, plan, signal, tally, read: () => untilAborted(reader.chunk(cut), signal) };
    await (mode === 'perChunk' ? perChunk(bulk) : allOrNothing(bulk));
    return tally.result();
  } catch (error) {
    reader.close();
    // Perhaps the table is not what it was.
    if (!(error instanceof PitcrewError)) forgetRelations(database);
    throw error;
  }
}

interface Bulk {
  database: Database;
  plan: Plan;
  signal: AbortSignal | undefined;
  tally: Tally;
  read(): Promise<Chunk>;
}

async function allOrNothing(bulk: Bulk): Promise<void> {
  const { database, plan, signal, tally } = bulk;
  const first = await bulk.read();
  if (first.last) {
    const written = await alone(bulk, first).catch((error: unknown) => {
      throw refusal(plan, first, error);
    });
    tally.add(first, written);
    return;
  }
  // Not run again: the source has given its rows away.
  await atomically(database, { signal, retries: 0 }, (session) =>
    eachChunk(bulk, first, async (chunk) => {
      const written = await write(plan, session, chunk.texts).catch((error: unknown) => {
        throw refusal(plan, chunk, error);
      });
      tally.add(chunk, written);
    }),
  );
}

async function perChunk(bulk: Bulk): Promise<void> {
  const { database, plan, signal, tally } = bulk;
  await eachChunk(bulk, await bulk.read(), async (chunk) => {
    try {
      tally.add(chunk, chunk.texts.length > 0 ? await alone(bulk, chunk) : 0);
    } catch (error) {
      if (!refusesRow(error)) throw error;
      const { written, rejected } = await atomically(database, { signal, retries: 3 }, (session) =>
        writeRest(plan, session, chunk, error),
      );
      tally.add(chunk, written, rejected);
    }
  });
}

/**
 * Writes a chunk whole or not at all, and spoils no transaction that it is part of. A statement by itself does as much with less, but
 * cannot be taken back once it was sent; and COPY needs a connection of its own anyway, whose loss a transaction tells apart.
 */
async function alone({ database, plan, signal }: Bulk, { texts }: Chunk): Promise<number> {
  if (!signal && !willCopy(plan, texts.length) && !isInTransaction(database)) return writeArrays(plan, database, texts);
  return atomically(database, { signal, retries: 3 }, (session) => write(plan, session, texts));
}

/** Reads the next chunk while one is being written. */
async function eachChunk(bulk: Bulk, first: Chunk, work: (chunk: Chunk) => Promise<void>): Promise<void> {
  for (let chunk: Chunk | undefined = first; chunk;) {
    const writing = work(chunk);
    const next: Promise<Chunk> | undefined = chunk.last ? undefined : bulk.read();
    // Of two failures the first one's chunk counts.
    next?.catch(() => {});
    await writing;
    chunk = await next;
  }
}

/** What has become of the rows so far. */
class Tally {
  readonly #options: BulkOptions;
  readonly #rejections: RejectedRow[] = [];
  #rows = 0;
  #written = 0;
  #rejected = 0;

  constructor(options: BulkOptions) {
    this.#options = options;
  }

  add(chunk: Chunk, written: number, refused: readonly RejectedRow[] = []): void {
    const { onProgress, onRejected } = this.#options;
    const rejected = [...chunk.unwritable, ...refused].toSorted((a, b) => a.index - b.index);
    this.#rows += chunk.taken;
    this.#written += written;
    this.#rejected += rejected.length;
    for (const row of rejected) {
      if (this.#rejections.length < keptRejections) this.#rejections.push(row);
      onRejected?.(row);
    }
    onProgress?.({ rows: this.#rows, written: this.#written, rejected: this.#rejected });
  }

  result(): BulkResult {
    return {
      rows: this.#rows,
      written: this.#written,
      rejected: this.#rejected,
      rejections: this.#rejections,
    };
  }
}
