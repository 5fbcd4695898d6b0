import { History } from '../fences/history.ts';
import type { Invalidation } from '../invalidation.ts';
import type { Position } from '../tier.ts';
import { namesConcerning } from './keys.ts';

/** Names remembered that Redis was asked for. */
const mostAsked = 50_000;

export type Verdict = 'valid' | 'void' | 'ask';

/**
 * What this process knows of invalidations in Redis: everything since its horizon. Of what was invalidated before that Redis is asked,
 * once for each name.
 */
export class Known {
  epoch = '';
  /** The number of the last invalidation that is known, with all before it since the horizon. */
  at = 0;
  #horizon = 0;
  /** Tags, prefixes, patterns, all. */
  #history = new History();
  /**
   * Keys apart: their values are voided where they are, so that those who read need not go by this history, and a great many
   * of them must not push out the others.
   */
  #keys = new History();
  /** Numbers of names' last invalidations as of some time after the horizon. */
  readonly #asked = new Map<string, number>();

  get position(): Position {
    return { epoch: this.epoch, at: this.at };
  }

  /** Knows nothing of before but what is given. */
  begin({ epoch, at, floor, patterns }: Snapshot): void {
    if (epoch !== this.epoch) {
      this.#history = new History();
      this.#keys = new History();
    }
    this.epoch = epoch;
    this.at = at;
    this.#horizon = at;
    this.#asked.clear();
    this.#keys.raiseFloor(at);
    this.#history.raiseFloor(floor);
    for (const { pattern, at: then } of patterns) this.#history.note({ kind: 'pattern', pattern }, then);
  }

  /** The next invalidation. */
  note(what: readonly Invalidation[], at: number): void {
    this.at = at;
    for (const each of what) (each.kind === 'key' ? this.#keys : this.#history).note(each, at);
  }

  /** Whether an entry that Redis has may be given. */
  judge(key: string, tags: readonly string[], { epoch, at }: Position): Verdict {
    if (epoch !== this.epoch || this.#history.isVoid(key, tags, at)) return 'void';
    if (at >= this.at) return 'valid';
    // Voided where it was, yet there: Redis has lost its last writes.
    if (at >= this.#keys.floor && this.#keys.isVoid(key, [], at)) return 'void';
    if (at >= this.#horizon) return 'valid';
    for (const name of namesConcerning(key, tags)) {
      const then = this.#asked.get(name);
      if (then === undefined) return 'ask';
      if (then > at) return 'void';
    }
    return 'valid';
  }

  /** Whether what was loaded since that position may be kept. What cannot be known may not. */
  mayKeep(key: string, tags: readonly string[], { epoch, at }: Position): boolean {
    return (
      epoch === this.epoch &&
      at >= this.#horizon &&
      !this.#keys.isVoid(key, [], at) &&
      !this.#history.isVoid(key, tags, at)
    );
  }

  /** What Redis has answered. */
  told(floor: number, numbers: ReadonlyMap<string, number>): void {
    if (this.#asked.size + numbers.size > mostAsked) this.#asked.clear();
    this.#history.raiseFloor(floor);
    for (const [name, at] of numbers) this.#asked.set(name, at);
  }
}

export interface Snapshot {
  epoch: string;
  at: number;
  floor: number;
  patterns: { pattern: string; at: number }[];
}
