import type { Flavour } from './remedies.ts';
import type { Skipped } from './skipped.ts';
import type { StatementsSupport } from './statements-support.ts';

/** What a server is and what it lets us read. Asked once per connection and again at the slow cadence. */
export interface ServerProfile {
  /** `18.4` */
  version: string;
  /** `180004` */
  versionNumber: number;
  /** `version()` in full. */
  versionText: string;
  flavour: Flavour;
  /** A pooler such as PgBouncer stands between. */
  pooled: boolean;
  /** The server's own address, as seen from whoever connects to it (a pooler perhaps); `null` through a socket. */
  host: string | null;
  isStandby: boolean;
  startedAt: Date;
  systemIdentifier: string | null;
  timeline: number | null;
  /** The server as it was seen now, to be compared with an earlier one by `isSameServer`. */
  identity: string;
  database: string;
  user: string;
  rights: Rights;
  statements: StatementsSupport;
  maxConnections: number;
  /** Connections that ordinary roles cannot use. */
  reservedConnections: number;
  blockSize: number;
  trackIoTiming: boolean;
  trackCounts: boolean;
  trackActivities: boolean;
  /** Columns of the statistics views that this server has. */
  columns: ReadonlyMap<string, ReadonlySet<string>>;
  skipped: Skipped[];
}

export interface Rights {
  superuser: boolean;
  /** Sees what other users do: pg_read_all_stats, by itself or through pg_monitor. */
  readAllStats: boolean;
  readAllSettings: boolean;
  monitor: boolean;
  /** May cancel and terminate sessions of other users. */
  signalBackend: boolean;
}
