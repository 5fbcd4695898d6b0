/** A cache as `pitcrew serve` is told of it: what it counts, and what it can be told to do. */
export interface ReportedCache {
  /** By which it is shown; unique within the process. */
  readonly name: string;
  /** `queries`: results of statements, kept true by the database's changes. */
  readonly kind: 'values' | 'queries';
  /** What it has counted since it was made, and how it stands. Asked every ten seconds; at once, and cheap. */
  figures(): CacheFigures;
  /** Does what an operator asks for. What it rejects with is told to the operator, never to the application. */
  run(command: CacheCommand): Promise<CacheCommandResult>;
}

/** Counters only grow, except where the cache is made anew. Of long lists the most important come first: the rest may be cut. */
export interface CacheFigures {
  /** In the order in which they are asked; 8 at most. */
  tiers: readonly TierFigures[];
  /** Nothing was there. */
  misses: number;
  /** Answers that had gone stale. */
  staleHits: number;
  loads: number;
  loadErrors: number;
  /** All loads together. */
  loadMs: number;
  /** By cause: `key`, `tag`, `prefix`, `pattern`, `all`; of queries `change`, `own write`, `schema` and others. 20 at most. */
  invalidations: Readonly<Record<string, number>>;
  /** Fills that were not kept, by reason; 20 at most. */
  refused: Readonly<Record<string, number>>;
  /** Statements that went past the cache, by reason; 20 at most. */
  bypasses?: Readonly<Record<string, number>> | undefined;
  /** Parts of the cache that are asked for together, the busiest first; 100 at most. */
  groups: readonly { group: string; hits: number; misses: number }[];
  /** How it learns of changes in the database. */
  stream?: StreamFigures | undefined;
}

export interface TierFigures {
  name: string;
  /** Answers that it gave. */
  hits: number;
  /** Keys that were looked up in it, those of which it had nothing fresh, and how long that took in all. */
  lookups?: number | undefined;
  misses?: number | undefined;
  lookupMs?: number | undefined;
  evictions: number;
  /** Entries that could not be read. */
  unreadable: number;
  /** Entries that were not kept, because something was invalidated while they were loaded. */
  refused: number;
  /** As they are now, where that is known. */
  entries?: number | undefined;
  bytes?: number | undefined;
  /** It cannot be reached now. */
  isAway: boolean;
}

export interface StreamFigures {
  truth: 'stream' | 'triggers' | 'own writes' | 'off';
  /** In a word or two: `streaming`, `connecting`, `lost`. */
  state: string;
  /** Why it is not as it should be. */
  reason?: string | undefined;
  lagMs?: number | undefined;
  /** Whether this process reads the stream for the others. */
  leader: boolean;
}

/** What an operator asks of a cache. */
export interface CacheCommand {
  /** One for all caches that it concerns. */
  readonly id: string;
  /** Name of the cache. */
  readonly cache: string;
  readonly action: 'clear' | 'invalidate' | 'warm';
  readonly keys?: readonly string[] | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly patterns?: readonly string[] | undefined;
  /** Of caches of queries: tables whose results go. */
  readonly tables?: readonly string[] | undefined;
  /** Which warmer is to run. */
  readonly warmer?: string | undefined;
}

export interface CacheCommandResult {
  ok: boolean;
  /** Why not. */
  error?: string | undefined;
  /** What was done, in a few words. */
  detail?: string | undefined;
}
