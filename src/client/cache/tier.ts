import type { Entry } from './entry.ts';
import type { Invalidation } from './invalidation.ts';

/**
 * How much of a tier's invalidations this process knows. An entry carries the position at which its load began; it is void
 * when something that concerns it was invalidated after that. Positions of different epochs cannot be compared: then it is void.
 */
export interface Position {
  /** Changes when the tier has lost its history (restarted empty, journal begun anew). */
  readonly epoch: string;
  readonly at: number;
}

/** What came from other processes; `unknown` when some of it was missed: then nothing that is held is certain any more. */
export type Heard = readonly Invalidation[] | 'unknown';

/**
 * A tier beyond this process's memory. Its methods reject when it cannot be reached, never for what it holds: bytes that
 * cannot be read are a miss. It never gives what was invalidated, by whichever process, before the call began, as far as its
 * history reaches; nor keeps what was loaded before an invalidation and arrives after it.
 */
export interface CacheTier {
  /** `redis`, `file`; for statistics. */
  readonly name: string;
  /** What is known now, at once: to be asked before a load begins, and given with what it has loaded. */
  position(): Position;
  get(key: string): Promise<Entry | undefined>;
  /** In one round trip; what is missing is left out. */
  getMany(keys: readonly string[]): Promise<Map<string, Entry>>;
  /** Keeps an entry, unless it was invalidated since `position`, or a newer one is there: then false. */
  set(key: string, entry: Entry, position: Position): Promise<boolean>;
  setMany(entries: ReadonlyMap<string, Entry>, position: Position): Promise<void>;
  /**
   * Resolves when no process that asks from now on is given any of it, with the position of just that invalidation where it is known: of
   * values that several processes set at once, those set with the last one stay. A note voids nothing and costs no place in the
   * history, but is passed on and counted like the rest: a handle that has missed one is told `unknown`. Its text is of any characters,
   * 64 kB at most.
   */
  invalidate(what: readonly Invalidation[]): Promise<Position | void>;
  /** Adds to a counter, atomically across processes. A new one begins at 0 and lives for `ttlMs`. */
  increment?(key: string, by: number, ttlMs: number): Promise<number>;
  /** Ends counters, for all processes: they begin at 0 again. To be there where `increment` is. */
  endCounters?(keys: readonly string[]): Promise<void>;
  /** The right to load a key, for one process of all that share the tier; `undefined` while another one has it. */
  lease?(key: string, ttlMs: number): Promise<Lease | undefined>;
  /**
   * Waits for the end of a lease that was refused here: true when it was given up or has run out, false after `ms`. Where it is missing,
   * who waits has to ask again and again.
   */
  waitFor?(key: string, ms: number): Promise<boolean>;
  /**
   * Told of what other processes invalidate, notes included, and of nothing of this handle's own: in the order in which it was invalidated,
   * what came in one call together (of long lists, parts), and before `position()` says that it is known.
   */
  onHeard(listener: (heard: Heard) => void): void;
  /** What it holds, as far as it knows without looking at all of it. */
  stats(): TierSize;
  close(): Promise<void>;
}

export interface TierSize {
  entries: number | undefined;
  bytes: number | undefined;
  evictions: number;
  /** Entries that could not be read: damaged, or written by something else. */
  unreadable: number;
  /** Entries that were not kept because something was invalidated while they were loaded. */
  refused: number;
}

export interface Lease {
  /** Rises with every lease of the key: who has a later one may overwrite what an earlier holder left. */
  readonly token: number;
  /** Gives it up; a no-op when it is over already. */
  release(): Promise<void>;
}
