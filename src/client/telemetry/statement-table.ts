import type { StatementDescription } from '../../sql/index.ts';
import { StatementStats } from './statement-stats.ts';

/** All that does not fit is counted as one. */
export const otherFingerprint = '0';

/** Statistics by fingerprint, of a bounded number of statements. */
export class StatementTable {
  readonly #most: number;
  readonly #byFingerprint = new Map<string, StatementStats>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Of a statement; of `other` when there are too many, or nothing is known of its text. */
  of(description: StatementDescription | undefined): StatementStats {
    const fingerprint = description?.fingerprint ?? otherFingerprint;
    return this.#byFingerprint.get(fingerprint) ?? this.#add(fingerprint, description);
  }

  #add(fingerprint: string, description: StatementDescription | undefined): StatementStats {
    const full = this.#byFingerprint.size >= this.#most;
    if (!description || full) return this.#named(otherFingerprint, 'other statements', 'unknown');
    return this.#named(fingerprint, description.normalized, description.kind);
  }

  #named(fingerprint: string, text: string, kind: StatementDescription['kind']): StatementStats {
    let stats = this.#byFingerprint.get(fingerprint);
    if (!stats) {
      stats = new StatementStats(fingerprint, text, kind);
      this.#byFingerprint.set(fingerprint, stats);
    }
    return stats;
  }

  merge(other: StatementTable): void {
    for (const theirs of other.#byFingerprint.values()) {
      const fits = this.#byFingerprint.has(theirs.fingerprint) || this.#byFingerprint.size < this.#most;
      const ours = fits
        ? this.#named(theirs.fingerprint, theirs.text, theirs.kind)
        : this.#named(otherFingerprint, 'other statements', 'unknown');
      ours.merge(theirs);
    }
  }

  get size(): number {
    return this.#byFingerprint.size;
  }

  [Symbol.iterator](): IterableIterator<StatementStats> {
    return this.#byFingerprint.values();
  }
}
