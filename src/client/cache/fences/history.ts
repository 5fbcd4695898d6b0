import type { Invalidation } from '../invalidation.ts';
import { matchesGlob } from './glob.ts';

/** What a history remembers at most; some 100 bytes each, of names that are really invalidated. */
export interface HistoryLimits {
  /** Of keys, of tags and of prefixes; 100,000 each by default. */
  names?: number | undefined;
  /** Every entry that is asked for is held against all of them; 200 by default. */
  patterns?: number | undefined;
}

/** Where parts of a key meet; a prefix ends with it. */
const separator = ':';

/**
 * What was invalidated, and at which position of an order that only goes up. Nothing is looked for when something is
 * invalidated: an entry is held against the history when it is asked for. Bounded: what was invalidated longest ago is forgotten,
 * and with it all entries whose load began before that.
 */
export class History {
  readonly #limits: { names: number; patterns: number };
  /** Names in the order in which they were last invalidated. */
  readonly #keys = new Map<string, number>();
  readonly #tags = new Map<string, number>();
  readonly #prefixes = new Map<string, number>();
  readonly #patterns = new Map<string, number>();
  #floor = 0;
  #latest = 0;

  constructor({ names = 100_000, patterns = 200 }: HistoryLimits = {}) {
    this.#limits = { names, patterns };
  }

  /** The position of the last invalidation, or the floor. */
  get latest(): number {
    return this.#latest;
  }

  /** Entries whose load began before it are void. */
  get floor(): number {
    return this.#floor;
  }

  /** Something was invalidated at that position. Positions must not go down. Notes concern nothing, and are not remembered. */
  note(what: Invalidation, at: number): void {
    if (what.kind === 'note') return;
    this.#latest = Math.max(this.#latest, at);
    switch (what.kind) {
      case 'key':
        this.#remember(this.#keys, what.key, at, this.#limits.names);
        break;
      case 'tag':
        this.#remember(this.#tags, what.tag, at, this.#limits.names);
        break;
      case 'prefix':
        this.#remember(this.#prefixes, what.prefix, at, this.#limits.names);
        break;
      case 'pattern':
        this.#remember(this.#patterns, what.pattern, at, this.#limits.patterns);
        break;
      case 'all':
        this.raiseFloor(at);
    }
  }

  /** Whether something that concerns an entry was invalidated after the position at which its load began. */
  isVoid(key: string, tags: readonly string[], at: number): boolean {
    if (at < this.#floor) return true;
    if (at >= this.#latest) return false;
    if ((this.#keys.get(key) ?? 0) > at) return true;
    for (const tag of tags) if ((this.#tags.get(tag) ?? 0) > at) return true;
    return this.#prefixIsVoid(key, at) || this.#patternIsVoid(key, at);
  }

  /** All that was loaded before that position is void. What is older than it need not be remembered. */
  raiseFloor(at: number): void {
    if (at <= this.#floor) return;
    this.#floor = at;
    this.#latest = Math.max(this.#latest, at);
    for (const names of [this.#keys, this.#tags, this.#prefixes, this.#patterns]) {
      for (const [name, then] of names) {
        if (then > at) break;
        names.delete(name);
      }
    }
  }

  #prefixIsVoid(key: string, at: number): boolean {
    if (this.#prefixes.size === 0) return false;
    for (let end = key.indexOf(separator); end >= 0; end = key.indexOf(separator, end + 1)) {
      if ((this.#prefixes.get(key.slice(0, end + 1)) ?? 0) > at) return true;
    }
    return false;
  }

  #patternIsVoid(key: string, at: number): boolean {
    for (const [pattern, then] of this.#patterns) if (then > at && matchesGlob(pattern, key)) return true;
    return false;
  }

  #remember(names: Map<string, number>, name: string, at: number, most: number): void {
    names.delete(name);
    names.set(name, at);
    if (names.size <= most) return;
    const [oldest] = names;
    if (!oldest) return;
    names.delete(oldest[0]);
    this.raiseFloor(oldest[1]);
  }
}
