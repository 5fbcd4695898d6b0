import type { Batch } from '../types.ts';
import { mergeBaselines } from './baseline.ts';

export interface QueueLimits {
  batches: number;
  bytes: number;
}

interface Waiting {
  batch: Batch;
  bytes: number;
}

/** A transaction is kept small enough to be quick, and large enough to catch up after a pause. */
const chunkBatches = 40;
const chunkRows = 20_000;

/**
 * Batches that wait to be written, bounded. When too many wait, the samples of the oldest are given up, but not what must
 * not be lost with them: its change of the baseline and its texts go into the next batch of the same collector.
 */
export class BatchQueue {
  #waiting: Waiting[] = [];
  #bytes = 0;
  #lost = 0;
  /** Remains of dropped batches for which no later batch waits yet. */
  readonly #remains = new Map<string, Batch>();
  readonly #limits: QueueLimits;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Batches given up so far. */
  get lost(): number {
    return this.#lost;
  }

  add(batch: Batch): void {
    const remains = this.#remains.get(sourceOf(batch));
    this.#remains.delete(sourceOf(batch));
    this.#push(remains ? withRemains(remains, batch) : batch);
    while (
      this.#waiting.length > 1 &&
      (this.#waiting.length > this.#limits.batches || this.#bytes > this.#limits.bytes)
    ) {
      this.#dropOldest();
    }
  }

  #push(batch: Batch): void {
    const bytes = sizeOf(batch);
    this.#waiting.push({ batch, bytes });
    this.#bytes += bytes;
  }

  #dropOldest(): void {
    const oldest = this.#waiting.shift();
    if (!oldest) return;
    this.#bytes -= oldest.bytes;
    this.#lost += 1;
    const source = sourceOf(oldest.batch);
    const next = this.#waiting.find(({ batch }) => sourceOf(batch) === source);
    if (!next) {
      this.#remains.set(source, oldest.batch);
      return;
    }
    next.batch = withRemains(oldest.batch, next.batch);
    this.#bytes -= next.bytes;
    next.bytes = sizeOf(next.batch);
    this.#bytes += next.bytes;
  }

  /** Takes the oldest batches of the given targets for one transaction; of each target in order. */
  take(isOurs: (targetId: number) => boolean): Batch[] {
    const taken: Batch[] = [];
    const left: Waiting[] = [];
    let rows = 0;
    for (const [index, entry] of this.#waiting.entries()) {
      const isFull = taken.length > 0 && (taken.length === chunkBatches || rows + rowsOf(entry.batch) > chunkRows);
      if (isFull) {
        left.push(...this.#waiting.slice(index));
        break;
      }
      if (!isOurs(entry.batch.targetId)) {
        left.push(entry);
        continue;
      }
      taken.push(entry.batch);
      rows += rowsOf(entry.batch);
      this.#bytes -= entry.bytes;
    }
    this.#waiting = left;
    return taken;
  }

  /** Targets for which something waits. */
  targets(): Set<number> {
    return new Set(this.#waiting.map(({ batch }) => batch.targetId));
  }

  has(targetId: number): boolean {
    return this.#waiting.some(({ batch }) => batch.targetId === targetId);
  }

  /** Gives up everything of a target. */
  drop(targetId: number): void {
    const left = this.#waiting.filter(({ batch }) => batch.targetId !== targetId);
    this.#lost += this.#waiting.length - left.length;
    this.#waiting = left;
    this.#bytes = left.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const [source, batch] of this.#remains) if (batch.targetId === targetId) this.#remains.delete(source);
  }

  /** Counts a batch that was taken and could not be written. */
  countLost(batches = 1): void {
    this.#lost += batches;
  }
}

function sourceOf({ targetId, collector }: Batch): string {
  return `${targetId}/${collector}`;
}

/** `batch` with the baseline, texts and dropped relations of an earlier batch whose samples are given up. */
function withRemains(earlier: Batch, batch: Batch): Batch {
  const baseline = mergeBaselines(earlier.baseline, batch.baseline);
  const texts = [...(earlier.texts ?? []), ...(batch.texts ?? [])];
  const dropped = [...(earlier.dropped ?? []), ...(batch.dropped ?? [])];
  return { ...batch, texts, dropped, ...(baseline ? { baseline } : {}) };
}

function rowsOf({ metrics, statements, tables, indexes, baseline }: Batch): number {
  const lists = [metrics, statements, tables, indexes, baseline?.upserts];
  return lists.reduce((sum, list) => sum + (list?.length ?? 0), 0);
}

/** Memory that a batch takes, roughly: object headers, numbers at 8 bytes, text at 2 bytes a character. */
function sizeOf({ metrics = [], statements = [], texts = [], tables = [], indexes = [], baseline }: Batch): number {
  const text = texts.reduce((sum, one) => sum + 2 * one.text.length + 200, 0);
  const upserts = baseline?.upserts ?? [];
  const cumulative = upserts.reduce((sum, { key, values }) => sum + 2 * key.length + 8 * values.length + 100, 0);
  return (
    500 + metrics.length * 150 + statements.length * 400 + (tables.length + indexes.length) * 350 + text + cumulative
  );
}
