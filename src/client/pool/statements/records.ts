import { type Describe, parserLoaded } from '../../../sql/index.ts';
import { StatementRecord } from './record.ts';

/** Texts kept per generation. */
const generationSize = 2000;

/**
 * Records by text. Bounded by two generations: when the young one is full it becomes the old one, and what is not asked for
 * again until the next change of generation is forgotten. A hit is one lookup and moves nothing.
 */
export class StatementRecords {
  readonly #describe: Describe;
  #young = new Map<string, StatementRecord>();
  #old = new Map<string, StatementRecord>();

  constructor(describe: Describe) {
    this.#describe = describe;
  }

  of(text: string): StatementRecord {
    const known = this.#young.get(text);
    if (known) return known;
    const before = this.#old.get(text);
    // What it says now is not worth remembering.
    if (!before && !parserLoaded()) return new StatementRecord(text, this.#describe(text));
    const record = before ?? new StatementRecord(text, this.#describe(text));
    if (this.#young.size >= generationSize) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(text, record);
    return record;
  }
}
