import type { PoolObserver } from '../../observer.ts';
import type { HostAddress } from '../host.ts';
import type { ProbeConfig } from './probe-connection.ts';

/**
 * What a host is: `unknown` until it was asked, `down` when it does not answer. `primary` is what it says of itself; only
 * one of several that say so is `Topology.primary()`.
 */
export type HostRole = 'unknown' | 'primary' | 'replica' | 'down';

/** One host as last seen. The same object for as long as the host is in the list: its fields change. */
export interface HostState {
  readonly address: HostAddress;
  /** `host:port` */
  readonly name: string;
  readonly role: HostRole;
  /** Statements may be sent there: it is the primary, or a replica that answers, follows and is not late. */
  readonly healthy: boolean;
  /** Why it is not healthy, in words. */
  readonly reason: string | undefined;
  /** Round trip of a probe, smoothed. `undefined` before the first answer. */
  readonly latencyMs: number | undefined;
  /** Of a replica: how long ago the primary wrote what it has not replayed yet; 0 when it has replayed all. */
  readonly lagMs: number | undefined;
  /** Of a replica: write-ahead log of the primary that it has not replayed. */
  readonly lagBytes: bigint | undefined;
  /** Of a replica: up to where it has replayed. Forgotten when a connection to it breaks: it may come back behind that. */
  readonly replayedLsn: bigint | undefined;
  /** The timeline it writes or replays; of a replica the highest that is known for certain. */
  readonly timeline: number | undefined;
  /** A pooler such as PgBouncer stands between. */
  readonly pooled: boolean;
}

/** The time of one server as primary on one timeline. Another server, timeline or cluster: another term. */
export interface PrimaryTerm {
  readonly name: string;
  readonly timeline: number | undefined;
  /** `system_identifier`, shared by all servers of a cluster. */
  readonly cluster: string | undefined;
  /** A position on its timeline, at or after the one where the timeline began. */
  readonly firstLsn: bigint | undefined;
}

/** A list, a DNS name with an address per host, or whatever a function finds. The latter two are asked again. */
export type HostSource =
  | readonly HostAddress[]
  | { dns: string; port: number }
  | (() => Promise<readonly HostAddress[]>);

export interface TopologyOptions {
  hosts: HostSource;
  /** User, password, database, TLS: those of the pool's own connections. Host and port come from `hosts`. */
  connection: ProbeConfig;
  /** How often each host is asked, jittered by a fifth; 1000 by default. Faster while there is no primary. */
  probeIntervalMs?: number;
  /** A probe without an answer for so long is given up, and its host counts as down; 2000 by default. */
  probeTimeoutMs?: number;
  /** A replica further behind leaves; 10,000 by default. */
  maxLagMs?: number;
  /** The same in bytes of write-ahead log; no limit by default. */
  maxLagBytes?: number;
  /** Failed probes in a row after which a host is down; 2 by default. One that was given up is enough by itself. */
  failuresToLeave?: number;
  /** Good probes in a row after which a replica is used again; 3 by default. */
  probesToReturn?: number;
  /** How often a DNS name or function is asked again, jittered; 30,000 by default. Every second while there is no primary. */
  refreshHostsMs?: number;
  /** Told of failovers, two primaries, and replicas that leave or return. */
  observer?: PoolObserver;
}

/** Which hosts there are, which of them takes writes, and which replicas may be read. */
export interface Topology {
  /** The host that takes writes; `undefined` while none is known. */
  primary(): HostState | undefined;
  /** The primary's term, or the last one's while there is no primary. */
  term(): PrimaryTerm | undefined;
  /** Replicas that may be read. The same array until it changes. */
  replicas(): readonly HostState[];
  /** All hosts, as listed. */
  hosts(): readonly HostState[];
  hostState(name: string): HostState | undefined;
  /**
   * Waits for a primary that has answered since a failure of it was last reported.
   * @throws {PitcrewError} `E_DATABASE_UNREACHABLE` when there is none within so many ms, `E_DATABASE_REFUSED` when
   *   servers answer but let nobody in. The detail says what each host said.
   */
  awaitPrimary(withinMs: number): Promise<HostState>;
  /** A connection to this host failed or broke. It is asked at once, but not more often than every 50 ms. */
  reportFailure(address: HostAddress, error: unknown): void;
  /** The host refused a write because it is read-only (SQLSTATE 25006). It is asked at once. */
  reportNotPrimary(address: HostAddress): void;
  /**
   * Asks one host now, with a question that begins after the call: what it answers covers all that was before. Callers
   * at the same time share one. Never rejects; the result is in the host's state. `replayed`: a replica that can (PostgreSQL
   * 19) waits for a moment until it has replayed up to there, so that it answers as soon as it has. @returns what it wrote so
   * far, when it is a primary and says so.
   */
  probe(name: string, replayed?: bigint): Promise<ProbeAnswer>;
  /** @returns what ends it. Called after roles, health or hosts have changed. It must not throw. */
  onChange(listener: () => void): () => void;
  /**
   * Begins to ask. Resolves when every host has answered or failed once; sooner when a primary is known, 100 ms after
   * it answered: long enough to hear of another one on a higher timeline.
   */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface ProbeAnswer {
  /** Of a primary: all that was committed before the question is at or below this position. */
  writtenLsn: bigint | undefined;
  /** It waited for what was to be replayed, or until its time for that was over. */
  waited: boolean;
  timeline: number | undefined;
}
