import { messageOf } from '../../../errors.ts';
import { type HostAddress, hostName } from '../host.ts';
import { Breaker } from './breaker.ts';
import { type ProbeConfig, ProbeConnection, ProbeTimeout } from './probe-connection.ts';
import type { FullSighting, Sighting } from './probe-sql.ts';
import type { HostRole, HostState } from './types.ts';

/** Weight of a new round trip in the smoothed latency. */
const LATENCY_WEIGHT = 0.2;
/** Between probes that reports of failures ask for. */
const REPORTS_APART_MS = 50;

export interface MonitoredHostOptions {
  connection: ProbeConfig;
  probeTimeoutMs: number;
  failuresToLeave: number;
  probesToReturn: number;
}

/** What a host's keeper decides and wants to know. */
export interface HostKeeper {
  /** A probe has ended; the host's state says how. */
  probed(host: MonitoredHost): void;
  /** How long until the next probe, in ms. */
  pace(host: MonitoredHost): number;
}

/** A host that is asked again and again. Never more than one question to it is under way. */
export class MonitoredHost implements HostState {
  readonly address: HostAddress;
  readonly name: string;
  role: HostRole = 'unknown';
  healthy = false;
  reason: string | undefined = 'not asked yet';
  latencyMs: number | undefined;
  lagMs: number | undefined;
  lagBytes: bigint | undefined;
  replayedLsn: bigint | undefined;
  timeline: number | undefined;
  pooled = false;

  readonly breaker: Breaker;
  /** The last answer, and what was last learnt in full. */
  sighting: Sighting | undefined;
  full: FullSighting | undefined;
  /** When that answer came, by `performance.now()`. */
  seenAt = 0;
  /** Why the last probe failed; `undefined` when it did not. */
  failure: Error | undefined;
  failuresInRow = 0;
  /** A failure was reported, and no probe that began after it has succeeded. */
  suspect = false;
  /** It refused a write as read-only, and no probe that began after it has succeeded. */
  refusedWrites = false;
  /** Probes that have ended. */
  probes = 0;
  /** Before the last answer the server waited until it had replayed what was wanted, or for as long as it may. */
  waited = false;

  readonly #keeper: HostKeeper;
  readonly #connection: ProbeConnection;
  #running: Promise<void> | undefined;
  /** The question that those wait for who asked while another was under way. */
  #next: { full: boolean; replayed: bigint | undefined; done: Promise<void> } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #startedAt = -Infinity;
  #reports = 0;
  #closed = false;

  constructor(address: HostAddress, options: MonitoredHostOptions, keeper: HostKeeper) {
    this.address = address;
    this.name = hostName(address);
    this.breaker = new Breaker(options.failuresToLeave, options.probesToReturn);
    this.#keeper = keeper;
    this.#connection = new ProbeConnection(address, options.connection, options.probeTimeoutMs, () => this.#broke());
  }

  /** Asks with a question that begins after this call. `replayed`: see `Topology.probe`. Never rejects. */
  probe(full: boolean, replayed?: bigint): Promise<void> {
    if (this.#closed) return Promise.resolve();
    if (!this.#running) return (this.#running = this.#run(full, replayed));
    if (this.#next) {
      this.#next.full ||= full;
      // Whoever wants to know where it is now need not wait for others.
      if (replayed === undefined) this.#next.replayed = undefined;
      return this.#next.done;
    }
    const done = this.#running.then((): Promise<void> => {
      const next = this.#next;
      this.#next = undefined;
      return this.probe(next?.full ?? full, next?.replayed);
    });
    this.#next = { full, replayed, done };
    return done;
  }

  /** Someone else's connection to it failed. Its server may have restarted, behind where it was. */
  report(refusedWrites: boolean): void {
    this.#reports += 1;
    this.suspect = true;
    this.refusedWrites ||= refusedWrites;
    this.replayedLsn = undefined;
    // Down already: that it fails is no news, and the next probe comes when its back-off says.
    if (this.breaker.open) return;
    this.schedule(Math.max(0, REPORTS_APART_MS - (performance.now() - this.#startedAt)));
  }

  /** Asks in full after a time, instead of when it was due. */
  schedule(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.probe(true), ms).unref();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.role = 'unknown';
    this.healthy = false;
    this.reason = 'no longer watched';
    await this.#connection.end();
  }

  async #run(full: boolean, replayed: bigint | undefined): Promise<void> {
    const reports = this.#reports;
    this.#startedAt = performance.now();
    try {
      const { sighting, tookMs, pooled, waited } = await this.#connection.ask(full, replayed);
      this.waited = waited;
      this.latencyMs =
        this.latencyMs === undefined ? tookMs : this.latencyMs + LATENCY_WEIGHT * (tookMs - this.latencyMs);
      this.pooled = pooled;
      this.#saw(sighting);
      if (reports === this.#reports) {
        this.suspect = false;
        this.refusedWrites = false;
      }
      // A failure reported meanwhile may be of a server that has restarted since: what it had replayed counts no more.
      this.replayedLsn = sighting.inRecovery && reports === this.#reports ? sighting.position : undefined;
    } catch (error) {
      this.failure = error instanceof Error ? error : new Error(messageOf(error));
      this.failuresInRow += 1;
      this.waited = false;
      this.replayedLsn = undefined;
    }
    this.#running = undefined;
    if (this.#closed) return;
    this.probes += 1;
    try {
      this.#keeper.probed(this);
    } finally {
      // Quick questions do not put off the one in full.
      if (full || this.failure) this.schedule(this.#keeper.pace(this));
    }
  }

  #saw(sighting: Sighting): void {
    this.failure = undefined;
    this.failuresInRow = 0;
    this.seenAt = performance.now();
    // A standby tells its timeline only when asked in full, and until it is promoted it stays or rises.
    const roleChanged = this.sighting?.inRecovery !== sighting.inRecovery;
    this.timeline = sighting.timeline ?? (roleChanged ? undefined : this.timeline);
    this.full = sighting.full ?? this.full;
    this.sighting = sighting;
  }

  /** The connection ended between two questions: most likely the server did, too. */
  #broke(): void {
    this.replayedLsn = undefined;
    if (!this.#running && !this.#closed) this.schedule(0);
  }

  /** It gave no answer at all in its time. */
  get hangs(): boolean {
    return this.failure instanceof ProbeTimeout;
  }
}
