import type { StatementDescription } from '../../sql/index.ts';
import type { ParameterSampler } from './parameters/sampler.ts';
import { type StatementIncrease, StatementStats } from './statement-stats.ts';

/** All that does not fit is counted as one. */
const otherFingerprint = '0';

/** Statistics by fingerprint, of a bounded number of statements. */
export class StatementTable {
  readonly #most: number;
  readonly #slowMsOf: (kind: StatementDescription['kind']) => number;
  readonly #byFingerprint = new Map<string, StatementStats>();
  #others: StatementStats | undefined;
  #crowdedOut = 0;

  constructor(most: number, slowMsOf: (kind: StatementDescription['kind']) => number) {
    this.#most = most;
    this.#slowMsOf = slowMsOf;
  }

  /** Of a statement; of the others when nothing is known of its text. */
  of(description: StatementDescription | undefined): StatementStats {
    if (!description) return this.#other();
    return this.#byFingerprint.get(description.fingerprint) ?? this.#add(description);
  }

  /** What was counted since it was last taken, with values of parameters where there is a sampler. */
  take(sampler?: ParameterSampler): StatementIncrease[] {
    const increases: StatementIncrease[] = [];
    sampler?.beginReport();
    for (const stats of this) {
      const increase = stats.take();
      if (!increase) continue;
      if (sampler) increase.parameters = sampler.take(stats);
      increases.push(increase);
    }
    return increases;
  }

  /** Times that a statement was used too little to be kept apart, and is counted among the others since. */
  get crowdedOut(): number {
    return this.#crowdedOut;
  }

  *[Symbol.iterator](): IterableIterator<StatementStats> {
    yield* this.#byFingerprint.values();
    if (this.#others) yield this.#others;
  }

  #add({ fingerprint, normalized, kind }: StatementDescription): StatementStats {
    if (this.#byFingerprint.size >= this.#most) this.#makeRoom();
    const stats = new StatementStats(fingerprint, normalized, kind, this.#slowMsOf(kind));
    this.#byFingerprint.set(fingerprint, stats);
    return stats;
  }

  /** The tenth that is used least goes to the others: sorting for each new statement would cost too much. */
  #makeRoom(): void {
    const byUse = [...this.#byFingerprint.values()].toSorted((a, b) => a.recent - b.recent);
    const others = this.#other();
    for (const stats of byUse.slice(0, Math.ceil(this.#most / 10))) {
      others.absorb(stats);
      this.#byFingerprint.delete(stats.fingerprint);
      this.#crowdedOut += 1;
    }
    // What was called much long ago shall not stay for ever.
    for (const stats of this.#byFingerprint.values()) stats.recent /= 2;
  }

  #other(): StatementStats {
    this.#others ??= new StatementStats(otherFingerprint, 'other statements', 'unknown', this.#slowMsOf('unknown'));
    return this.#others;
  }
}
