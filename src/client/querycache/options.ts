import type { Duration } from '../cache/index.ts';
import type { CacheTier } from '../cache/tier.ts';
import type pg from 'pg';
import type { DeclaredFunctions } from './dependencies/index.ts';

/** How results of statements are kept. Everything has a default: `cache: {}` will do. */
export interface QueryCacheOptions {
  /** By what the cache is named in statistics; `queries` by default. */
  name?: string | undefined;
  /** How long a result may be used where neither the call nor a policy says; 5 minutes by default. */
  ttl?: Duration | undefined;
  memory?: ResultMemoryOptions | undefined;
  /**
   * Shared with other processes: results, and what one of them reads of the database's changes, so that a single one needs a replication slot.
   * `redisTier(…)`, or your own; for this cache alone, and closed with it. Without it each process reads for itself.
   */
  tier?: CacheTier | undefined;
  /**
   * Tables whose statements are kept without being asked to, with how long: a statement that reads nothing but such tables is, for the
   * shortest of their times. With `false` nothing that reads the table is ever kept. Names as `schema.table`, or `table` of any schema.
   */
  tables?: Readonly<Record<string, Duration | false>> | undefined;
  /** Statements that are kept without being asked to, or never: the first that matches the text counts, before those for tables. */
  statements?: readonly StatementPolicy[] | undefined;
  /** What the application knows of functions that cannot be looked into. */
  functions?: DeclaredFunctions | undefined;
  /** How changes are learnt. */
  changes?: ChangeOptions | undefined;
}

export interface ResultMemoryOptions {
  /** Most results; 10,000 by default. */
  maxEntries?: number | undefined;
  /** Most bytes of their texts, as far as they can be estimated; 64 MiB by default. */
  maxBytes?: number | undefined;
  /** Larger results are not kept; 1 MiB by default. */
  maxResultBytes?: number | undefined;
}

export interface StatementPolicy {
  readonly match: RegExp;
  readonly ttl: Duration | false;
}

export interface ChangeOptions {
  /**
   * How to connect to the primary for reading its changes; as the pool does by default. Not through a pooler. The role needs
   * REPLICATION (or `triggers`), and to connect as another role than the application's is well possible.
   */
  connection?: pg.ClientConfig | (() => pg.ClientConfig | Promise<pg.ClientConfig>) | undefined;
  /** The publication that is read; `pitcrew` by default. */
  publication?: string | undefined;
  /** Consent to make the publication, or add to it, when connecting; without it, it must be there. */
  createPublication?: 'tables' | 'all tables' | undefined;
  /** A slot that stays while no process reads it; refused where `max_slot_wal_keep_size` sets no limit. Without: a temporary one. */
  permanentSlot?: string | undefined;
  /**
   * Where replication is refused: triggers that tell of changes by NOTIFY. `'there'` uses those that are there, `'create'` is the consent
   * to make them on all tables that the role owns. Without: only what this pool itself writes is known, and the time to live bounds the rest.
   */
  triggers?: 'there' | 'create' | undefined;
  /** Results are given up when changes are later than this, in ms; 2000 by default. */
  maxLagMs?: number | undefined;
}

const mebibyte = 1024 ** 2;

/** The options with their defaults. */
export type QueryCacheSettings = ReturnType<typeof withDefaults>;

export function withDefaults(options: QueryCacheOptions) {
  const {
    name = 'queries',
    ttl = '5m',
    memory = {},
    tier,
    tables = {},
    statements = [],
    functions = {},
    changes = {},
  } = options;
  return {
    name,
    ttl,
    memory: {
      maxEntries: memory.maxEntries ?? 10_000,
      maxBytes: memory.maxBytes ?? 64 * mebibyte,
      maxResultBytes: memory.maxResultBytes ?? mebibyte,
    },
    tier,
    tables,
    statements,
    functions,
    changes: { ...changes, maxLagMs: changes.maxLagMs ?? 2000 },
  };
}
