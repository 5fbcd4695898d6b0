import type pg from 'pg';
import type { ChangedTables, Snapshot } from '../fence/index.ts';

export interface ChangeStreamOptions {
  /** How to connect to the primary, asked for every attempt: after a failover it is another one. Not through a pooler. */
  connection: () => pg.ClientConfig | Promise<pg.ClientConfig>;
  /** `pitcrew` by default. Made by whoever owns the tables, or by consent (`createPublication`). */
  publication?: string | undefined;
  /**
   * Consent to make the publication, or add to it, when connecting. `tables`: those that this role owns and whose rows can be
   * told apart; others are left out. `all tables`: needs a superuser, holds for tables made later too, and is refused while
   * there is a table whose UPDATE would fail by it. Without: it must be there.
   */
  createPublication?: 'tables' | 'all tables' | undefined;
  /**
   * A slot that stays when the connection ends, so that the next one need not wait for running transactions. Refused where
   * `max_slot_wal_keep_size` sets no limit: it could fill the server's disk. Without: a temporary one, which never outlives its connection.
   */
  permanentSlot?: string | undefined;
  /** Beyond this the stream is late, in ms; 2000 by default. When nothing comes for 45 times as long, it connects anew. */
  maxLagMs?: number | undefined;
  /** How often the server is asked where its log is, in ms; 500 by default. */
  watchEveryMs?: number;
  /**
   * How often definitions are compared while transactions happen, in ms; 1000 by default. Less often where it takes more than
   * a twentieth of that time, at least every 10 s.
   */
  schemaEveryMs?: number;
  /** How many keys are told for each table and transaction; beyond that it is all rows. 1000 by default. */
  keysPerTable?: number;
  /** Called in order, at once. What it throws ends the stream. */
  listener: (event: StreamEvent) => void;
}

/** A table whose changes are all told. */
export interface PublishedTable {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** The columns by which its rows are told apart, in the table's order; `undefined`: changes are told for all rows only. */
  readonly keyColumns: readonly string[] | undefined;
}

/** Why nothing may be kept: `schema` while definitions are read anew, `refused` where the server or its settings say no. */
export type Closed = 'starting' | 'late' | 'lost' | 'refused' | 'schema' | 'ended';

export interface Change extends ChangedTables {
  /** Of `tables`, those that were emptied. */
  readonly truncated: readonly number[];
  /** The definition of a table was changed. The stream closes right after. */
  readonly ddl: boolean;
}

export type StreamEvent =
  /** A new epoch: from now on all is told. What was kept before is void. */
  | {
      readonly type: 'open';
      /** Of one stretch without a gap, on one server and timeline; never the same again. */
      readonly epoch: string;
      readonly snapshot: Snapshot;
      readonly tables: ReadonlyMap<number, PublishedTable>;
    }
  /** Transactions in the order of their commits. A large one comes in parts. */
  | ({ readonly type: 'changed' } & Change)
  /** Now and then, while open: what every later snapshot of the primary sees at least. For `Fence.noted`. */
  | { readonly type: 'snapshot'; readonly snapshot: Snapshot }
  /** From now on changes may be missing: nothing that is kept is to be served. `reason` is for people. */
  | { readonly type: 'closed'; readonly why: Closed; readonly reason: string };

export interface ChangeStreamStats {
  state: 'open' | Closed;
  /** Why it is not open, in words. */
  reason: string | undefined;
  epoch: string | undefined;
  /** How long ago the last moment is of which all is known. `undefined` while not connected. */
  lagMs: number | undefined;
  tables: number;
  /** What is not told of, and what is wrong with the publication: a sentence each. */
  notes: readonly string[];
  transactions: number;
  epochs: number;
  /** How long a comparison of definitions takes the server, in ms. */
  schemaCheckMs: number | undefined;
  /** How late a change of definitions may be noticed, in ms, where nothing in the stream tells of it. */
  schemaLatenessMs: number;
}
