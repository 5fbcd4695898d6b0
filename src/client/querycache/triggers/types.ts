import type pg from 'pg';
import type { StreamEvent } from '../stream/index.ts';

export interface TriggerStreamOptions {
  /** How to connect to the primary, asked for every attempt: after a failover it is another one. Not through a pooler. */
  connection: () => pg.ClientConfig | Promise<pg.ClientConfig>;
  /**
   * Consent to make triggers on all tables that this role owns, also on those that are made later, and to make them anew where they
   * are not as they should be. Others are left out. Without: they must be there.
   */
  createTriggers?: boolean;
  /** Beyond this the stream is late, in ms; 2000 by default. When nothing comes for 45 times as long, it connects anew. */
  maxLagMs?: number;
  /** How often the server is asked where it stands, in ms; 500 by default. While it is written to, each time is a short transaction. */
  watchEveryMs?: number;
  /**
   * How often definitions are compared while transactions happen, in ms; 1000 by default. Less often where it takes more than
   * a twentieth of that time, at least every 10 s.
   */
  schemaEveryMs?: number;
  /** How many keys are told for each table and transaction; beyond that it is all rows. 1000 by default, which is also what a trigger tells. */
  keysPerTable?: number;
  /** Called in order, at once. What it throws ends the stream. */
  listener: (event: StreamEvent) => void;
}
