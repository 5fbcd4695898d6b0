import { isSameServer } from '../../../engine/postgres/index.ts';
import type { BaselineChange, BaselineEntry } from '../../store/index.ts';

/** Cumulative values of one thing, as a server counts them. */
export interface Reading {
  key: string;
  values: number[];
  /**
   * Changes when the server began to count anew (`stats_since`, `stats_reset`). What stands before a blank says what kind
   * of stamp it is: only those of one kind can be compared.
   */
  stamp?: string | undefined;
  /** Kept in memory with the values, and given back by `memos`; not stored. */
  memo?: string;
  /** True when it was not looked at before: if it is not known, it is a start only, whatever the rules say of new keys. */
  startOnly?: boolean;
}

interface Entry extends BaselineEntry {
  memo?: string | undefined;
}

/** How the values of one kind of reading are to be understood. */
export interface Rules {
  /** How many values, from the first on, are counters: they never fall unless they began anew. */
  counters: number;
  /** How many values after them are sums with rounding noise: subtracted too, never below zero, but no sign of a reset. */
  sums?: number;
  /** A key that a known server did not show before: `count` all of it (the default), or take it as a start. */
  newKey?: 'count' | 'ignore';
  /** A further sign that the server dropped the entry and began it anew in between. */
  begunAnew?: (before: readonly number[], now: readonly number[]) => boolean;
  /** Also list readings that did not grow, as an increase of nothing. */
  withUnchanged?: boolean;
}

/** By how much a reading's counters and sums grew. */
export interface Increase<R extends Reading> {
  reading: R;
  by: number[];
}

export interface Step<R extends Reading> {
  /** Readings that grew (with `withUnchanged`: all of them). Empty at the first sight of a server. */
  increases: Increase<R>[];
  change: BaselineChange;
  /** Since the step before, 0 at first. */
  seconds: number;
}

/** Key under which the time of the last step and the server's identity are kept. */
const runKey = '@run';

/**
 * Turns cumulative values into increases that add up exactly: what was last read is remembered, also across restarts of
 * the daemon, by way of `BaselineChange` and the entries that the store gives back.
 */
export class Baseline<R extends Reading = Reading> {
  readonly #rules: Rules;
  readonly #prefix: string;
  #entries = new Map<string, Entry>();
  #lastRun: number | undefined;
  #identity: string | undefined;
  /** Keys that the store still has and must drop; `all` when it must drop everything. */
  #stale: Set<string> | 'all' = new Set();

  /** Several baselines can share one collector's entries in the store, each under its own `prefix`. */
  constructor(rules: Rules, prefix = '') {
    this.#rules = rules;
    this.#prefix = prefix;
  }

  /** Takes what the store has; entries under other prefixes are left alone. */
  load(stored: ReadonlyMap<string, BaselineEntry>): void {
    this.#entries = new Map();
    this.#stale = new Set();
    this.#lastRun = undefined;
    this.#identity = undefined;
    for (const [stored_, entry] of stored) {
      if (!stored_.startsWith(this.#prefix)) continue;
      const key = stored_.slice(this.#prefix.length);
      if (key === runKey) {
        this.#lastRun = entry.values[0];
        this.#identity = entry.stamp;
      } else {
        this.#entries.set(key, entry);
      }
    }
  }

  /** Number of things known. */
  get size(): number {
    return this.#entries.size;
  }

  /** True when nothing was ever read from this server: the next step is a start only. */
  get isFirst(): boolean {
    return this.#lastRun === undefined;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** The stamp of what is known under a key. */
  stampOf(key: string): string | undefined {
    return this.#entries.get(key)?.stamp;
  }

  /** The memos of everything known that has one. */
  *memos(): Generator<string> {
    for (const { memo } of this.#entries.values()) if (memo !== undefined) yield memo;
  }

  /**
   * Says which server the next readings come from. Another one than before has counters of its own: everything known is
   * forgotten. Returns true in that case.
   */
  belongsTo(identity: string): boolean {
    const other = this.#identity !== undefined && !isSameServer(this.#identity, identity);
    if (other) {
      this.#stale = this.#prefix === '' ? 'all' : new Set(this.#entries.keys());
      this.#entries = new Map();
      this.#lastRun = undefined;
    }
    this.#identity = identity;
    return other;
  }

  /**
   * Compares readings with what was read before and remembers them.
   * @param at Milliseconds since 1970.
   * @param complete True when `readings` is all that the server has: what is not in it is forgotten.
   */
  step(readings: readonly R[], at: number, complete: boolean): Step<R> {
    const first = this.isFirst;
    const seconds = this.#lastRun === undefined ? 0 : Math.max(0, (at - this.#lastRun) / 1000);
    const increases: Increase<R>[] = [];
    const upserts: BaselineChange['upserts'] = [];
    const seen = complete ? new Set<string>() : undefined;
    for (const reading of readings) {
      seen?.add(reading.key);
      const before = this.#entries.get(reading.key);
      const same = before !== undefined && sameEntry(before, reading);
      if (same && !this.#rules.withUnchanged) continue;
      const by = first ? undefined : this.#increase(before, reading);
      if (by && (this.#rules.withUnchanged || by.some((value) => value > 0))) increases.push({ reading, by });
      if (same) {
        before.memo = reading.memo;
        continue;
      }
      this.#entries.set(reading.key, { values: reading.values, stamp: reading.stamp, memo: reading.memo });
      if (this.#stale !== 'all') this.#stale.delete(reading.key);
      upserts.push(this.#upsert(reading.key, reading.values, reading.stamp));
    }
    const vanished = seen ? [...this.#entries.keys()].filter((key) => !seen.has(key)) : [];
    for (const key of vanished) this.#entries.delete(key);
    this.#lastRun = at;
    upserts.push(this.#upsert(runKey, [at], this.#identity));
    const stale = this.#stale;
    this.#stale = new Set();
    return {
      increases,
      seconds,
      change: {
        replaceAll: stale === 'all',
        upserts,
        deletes: [...(stale === 'all' ? [] : stale), ...vanished].map((key) => this.#prefix + key),
      },
    };
  }

  #upsert(key: string, values: number[], stamp: string | undefined): BaselineChange['upserts'][number] {
    return {
      key: this.#prefix === '' ? key : [this.#prefix, key].join(''),
      values,
      ...(stamp === undefined ? {} : { stamp }),
    };
  }

  /** What a reading adds, or undefined when it is only a start. */
  #increase(before: BaselineEntry | undefined, now: Reading): number[] | undefined {
    const { counters, sums = 0, newKey = 'count', begunAnew } = this.#rules;
    const counted = counters + sums;
    if (!before) return newKey === 'count' && !now.startOnly ? now.values.slice(0, counted) : undefined;
    const fell = now.values.some((value, index) => index < counters && value < (before.values[index] ?? 0));
    const restamped = before.stamp !== now.stamp && kindOf(before.stamp) === kindOf(now.stamp);
    if (fell || restamped || begunAnew?.(before.values, now.values)) return now.values.slice(0, counted);
    return now.values.slice(0, counted).map((value, index) => Math.max(0, value - (before.values[index] ?? 0)));
  }
}

/** One change out of those of several baselines that share a collector. */
export function mergeChanges(changes: readonly BaselineChange[]): BaselineChange {
  return {
    replaceAll: changes.some((change) => change.replaceAll),
    upserts: changes.flatMap((change) => change.upserts),
    deletes: changes.flatMap((change) => change.deletes),
  };
}

function sameEntry(before: BaselineEntry, now: Reading): boolean {
  return before.stamp === now.stamp && before.values.every((value, index) => value === now.values[index]);
}

/** A stamp that is there for the first time (the extension was updated) is of another kind than none. */
function kindOf(stamp: string | undefined): string | undefined {
  return stamp?.slice(0, stamp.indexOf(' ') + 1);
}
