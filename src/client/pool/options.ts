import type { PoolConfig } from 'pg';
import { PitcrewError } from '../../errors.ts';
import type { DeclaredFunctions } from '../../sql/index.ts';
import type { PoolObserver } from '../observer.ts';
import type { ResultKeeper } from './result-keeper.ts';
import type { BalancingName } from './topology/index.ts';

/** The options of `pg.Pool`, with the same names and meanings, and Pitcrew's own. Times in ms where the name says no other unit. */
export interface PoolOptions extends PoolConfig {
  /** Most connections, shared ones included; 20 by default. */
  max?: number | undefined;
  /** Connections kept open while idle once they were needed; 2 by default. They do not keep the process alive. */
  min?: number | undefined;
  /** Connections beyond `max` that may be opened for those who have waited half of the acquire timeout; 0 by default. They are closed after use. */
  maxOverflow?: number | undefined;
  /** After this long without work a connection above `min` is closed; 30,000 by default, 0 never. */
  idleTimeoutMillis?: number | undefined | null;
  /** How long to wait for a connection, opening one included; 5,000 by default, 0 for ever. */
  connectionTimeoutMillis?: number | undefined;
  /** After this many seconds, less up to a tenth so that not all end together, a connection is replaced; 3,600 by default, 0 never. */
  maxLifetimeSeconds?: number | undefined;
  /** A connection that was idle longer is asked whether it still lives before it is used; 10,000 by default, 0 never. */
  pingAfterMillis?: number | undefined;
  /** While the server cannot be reached, callers wait for it so long before they get the error; 5,000 by default, 0 not at all. */
  failoverTimeoutMillis?: number | undefined;
  /**
   * Shared, pipelined connections for statements that are known to be quick: so many for those that only read, and as many for
   * those that change data. By default a quarter of `max` (3 at most) and two fifths; 0 for none. Statements that took longer than `laneLimitMillis` get a connection of their own.
   */
  lanes?: number | undefined;
  /** What a statement may nearly always take on a shared connection; 5 by default. */
  laneLimitMillis?: number | undefined;
  /**
   * Warn of whoever holds a connection for longer, naming the line that asked for it. Without it nobody is warned, and at a high
   * rate not every line is known to the error of those who wait in vain.
   */
  leakDetectionMillis?: number | undefined;
  /**
   * Make a session as new (`DISCARD ALL`) after whoever may have changed it: SET, LISTEN, temporary tables, advisory locks,
   * functions that are not known. Where there are hooks for new connections, the connection is replaced instead, so that they run
   * again. False by default, as with `pg.Pool`.
   */
  resetOnRelease?: boolean | undefined;
  /** Prepare statements on shared connections, so that the server parses and plans them once; true by default. */
  prepare?: boolean | undefined;
  /**
   * All servers of the cluster, in any order: the primary is found among them and found again after a failover. A list of
   * `host:port`, a DNS name with an address per server, or a function that finds them. Without it there is one server, the
   * connection's.
   */
  hosts?: readonly string[] | { dns: string; port?: number } | (() => Promise<readonly string[]>) | undefined;
  /** Connections to each replica, where they are to differ from those to the primary; and which replicas may be read. */
  replicas?: ReplicaOptions | undefined;
  /** Connections of their own, on each replica or else the primary, for long reports by `pool.analytics`; 4 by default. */
  analytics?: EndpointOptions | undefined;
  /** What functions and operators of the application and of extensions do, so that statements which use them may be shared and read from replicas. */
  functions?: DeclaredFunctions | undefined;
  /** Asks for results in PostgreSQL's binary formats, as `pg` knows it; then no connection is shared. */
  binary?: boolean | undefined;
  /** Told of everything that happens; see telemetry. */
  observer?: PoolObserver | undefined;
  /** Answers statements from results that it keeps; the query cache of `createPool` is one. */
  keeper?: ResultKeeper | undefined;
}

/** Limits of the connections to one server. */
export interface EndpointOptions {
  max?: number | undefined;
  min?: number | undefined;
  lanes?: number | undefined;
  /** In ms, kept by the server. */
  statement_timeout?: number | undefined;
}

export interface ReplicaOptions extends EndpointOptions {
  /** How a replica is chosen; `powerOfTwoChoices` by default. */
  balancing?: BalancingName | undefined;
  /** A replica that is further behind is not read; 10,000 by default. */
  maxLagMillis?: number | undefined;
  /** The same in bytes of write-ahead log; no limit by default. */
  maxLagBytes?: number | undefined;
  /** Reads go to replicas by themselves; true by default. Otherwise only by `pool.read`. */
  automatic?: boolean | undefined;
}

export interface ResolvedOptions extends PoolOptions {
  max: number;
  min: number;
  maxOverflow: number;
  idleTimeoutMillis: number;
  connectionTimeoutMillis: number;
  maxLifetimeSeconds: number;
  maxUses: number;
  allowExitOnIdle: boolean;
  pingAfterMillis: number;
  failoverTimeoutMillis: number;
  lanes: number;
  /** Those for statements that change data. */
  writeLanes: number;
  /** And so many while nothing else wants the connections. */
  mostWriteLanes: number;
  laneLimitMillis: number;
  prepare: boolean;
}

/** Fills in defaults. Throws `E_CONFIG` for numbers that make no sense. */
export function resolveOptions(options: PoolOptions): ResolvedOptions {
  const max = whole('max', options.max ?? 20, 1);
  const min = Math.min(whole('min', options.min ?? 2, 0), max);
  // One caller at a time would be all that is left beside a shared connection of fewer than four.
  const lanes = Math.min(whole('lanes', options.lanes ?? Math.min(3, Math.floor(max / 4)), 0), max - 1);
  const resolved: ResolvedOptions = {
    ...options,
    max,
    min,
    lanes: options.Client || options.binary ? 0 : lanes,
    writeLanes: options.Client || options.binary ? 0 : writeLanesOf(options.lanes, lanes, max, shareForWrites),
    mostWriteLanes: options.Client || options.binary ? 0 : writeLanesOf(options.lanes, lanes, max, mostForWrites),
    maxOverflow: whole('maxOverflow', options.maxOverflow ?? 0, 0),
    idleTimeoutMillis: whole('idleTimeoutMillis', options.idleTimeoutMillis ?? 30_000, 0),
    connectionTimeoutMillis: whole('connectionTimeoutMillis', options.connectionTimeoutMillis ?? 5000, 0),
    maxLifetimeSeconds: whole('maxLifetimeSeconds', options.maxLifetimeSeconds ?? 3600, 0),
    maxUses: options.maxUses ?? Infinity,
    allowExitOnIdle: options.allowExitOnIdle ?? false,
    pingAfterMillis: whole('pingAfterMillis', options.pingAfterMillis ?? 10_000, 0),
    failoverTimeoutMillis: whole('failoverTimeoutMillis', options.failoverTimeoutMillis ?? 5000, 0),
    laneLimitMillis: whole('laneLimitMillis', options.laneLimitMillis ?? 5, 0),
    prepare: options.prepare ?? true,
  };
  hideSecret(resolved, 'password');
  if (typeof resolved.ssl === 'object') hideSecret(resolved.ssl, 'key');
  return resolved;
}

/** Up to this share of all connections in any case, and up to the other one of what nothing else wants: of 20, 8 and 15. */
const shareForWrites = 0.4;
const mostForWrites = 0.75;

/** As many as were asked for, or by the size of the pool; opened when they are needed, and one connection is left for all else. */
function writeLanesOf(wanted: number | undefined, lanes: number, max: number, share: number): number {
  if (lanes === 0) return 0;
  return Math.min(wanted ?? Math.floor(max * share), max - lanes - 1);
}

/** Keeps a secret out of console.log and of JSON, as `pg.Pool` does. */
function hideSecret(holder: object, key: string): void {
  const value: unknown = Reflect.get(holder, key);
  if (value !== undefined)
    Object.defineProperty(holder, key, { value, enumerable: false, configurable: true, writable: true });
}

function whole(name: string, value: number, least: number): number {
  if (typeof value === 'number' && value >= least) return value;
  throw new PitcrewError('E_CONFIG', `pool option ${name} must be a number of at least ${least}`, {
    detail: `Found ${String(value)}.`,
  });
}
