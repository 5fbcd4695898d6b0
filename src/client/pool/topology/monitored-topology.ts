import { messageOf, PitcrewError } from '../../../errors.ts';
import type { PoolWarning } from '../../observer.ts';
import { type HostAddress, hostName } from '../host.ts';
import { elect } from './election.ts';
import { findHosts, isStatic } from './host-source.ts';
import { PrimaryPositions } from './lag.ts';
import { MonitoredHost } from './monitored-host.ts';
import { PrimaryWaiters, refuses } from './primary-waiters.ts';
import type { ProbeConfig } from './probe-connection.ts';
import { measureLag, objection } from './replica-judge.ts';
import type { HostState, PrimaryTerm, ProbeAnswer, Topology, TopologyOptions } from './types.ts';

/** How long other hosts have to answer after the first that says it is a primary. */
const SETTLE_MS = 100;
/** Between probes while no primary is known, and while a replica is on its way back. */
const HURRY_MS = 250;
/** The first probe after a failure. */
const BACK_OFF_MS = 50;

const defaults = {
  probeIntervalMs: 1000,
  probeTimeoutMs: 2000,
  maxLagMs: 10_000,
  maxLagBytes: Number.POSITIVE_INFINITY,
  failuresToLeave: 2,
  probesToReturn: 3,
  refreshHostsMs: 30_000,
};

/** The topology of several hosts, each asked in its own rhythm. */
export class MonitoredTopology implements Topology {
  readonly #options: TopologyOptions & typeof defaults;
  readonly #connection: ProbeConfig;
  readonly #positions = new PrimaryPositions();
  readonly #waiters = new PrimaryWaiters();
  readonly #listeners = new Set<() => void>();
  readonly #started = Promise.withResolvers<void>();
  #hosts = new Map<string, MonitoredHost>();
  #primary: MonitoredHost | undefined;
  #term: PrimaryTerm | undefined;
  #replicas: readonly MonitoredHost[] = [];
  /** Replicas of which it was said that they are out. */
  readonly #out = new Set<MonitoredHost>();
  #dispute: string | undefined;
  #shown = '';
  #settled = false;
  #settling: NodeJS.Timeout | undefined;
  #refreshing: NodeJS.Timeout | undefined;
  #state: 'new' | 'running' | 'stopped' = 'new';

  constructor(options: TopologyOptions) {
    this.#options = { ...defaults, ...defined(options) };
    this.#connection = options.connection;
  }

  primary(): HostState | undefined {
    return this.#primary;
  }

  term(): PrimaryTerm | undefined {
    return this.#term;
  }

  replicas(): readonly HostState[] {
    return this.#replicas;
  }

  hosts(): readonly HostState[] {
    return [...this.#hosts.values()];
  }

  hostState(name: string): HostState | undefined {
    return this.#hosts.get(name);
  }

  awaitPrimary(withinMs: number): Promise<HostState> {
    const primary = this.#primary;
    if (primary && !primary.suspect) return Promise.resolve(primary);
    if (this.#state === 'stopped')
      return Promise.reject(new PitcrewError('E_DATABASE_UNREACHABLE', 'the topology was stopped'));
    return this.#waiters.wait(withinMs, () => this.#hosts.values());
  }

  reportFailure(address: HostAddress, _error: unknown): void {
    this.#hosts.get(hostName(address))?.report(false);
  }

  reportNotPrimary(address: HostAddress): void {
    this.#hosts.get(hostName(address))?.report(true);
  }

  async probe(name: string, replayed?: bigint): Promise<ProbeAnswer> {
    const host = this.#hosts.get(name);
    await host?.probe(false, replayed);
    const answer = host?.failure ? undefined : host?.sighting;
    return { writtenLsn: answer?.written, waited: host?.waited ?? false, timeline: answer?.timeline };
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async start(): Promise<void> {
    if (this.#state !== 'new') return this.#started.promise;
    this.#state = 'running';
    await this.#refreshHosts();
    return this.#started.promise;
  }

  async stop(): Promise<void> {
    this.#state = 'stopped';
    clearTimeout(this.#settling);
    clearTimeout(this.#refreshing);
    const closed = [...this.#hosts.values()].map((host) => host.close());
    this.#primary = undefined;
    this.#replicas = [];
    this.#waiters.stopped();
    this.#started.resolve();
    await Promise.all(closed);
  }

  async #refreshHosts(): Promise<void> {
    try {
      const found = await findHosts(this.#options.hosts);
      // A name that resolves to nothing for a moment must not take all hosts away.
      if (found.length > 0 && this.#state === 'running') this.#setHosts(found);
    } catch {
      // The hosts of before go on; while there are none, it is tried again every second.
    }
    if (this.#state !== 'running') return;
    if (this.#hosts.size === 0) this.#settle();
    this.#refreshLater();
  }

  #refreshLater(): void {
    clearTimeout(this.#refreshing);
    if (isStatic(this.#options.hosts)) return;
    const { refreshHostsMs } = this.#options;
    const wait = jittered(this.#primary ? refreshHostsMs : Math.min(refreshHostsMs, 1000));
    this.#refreshing = setTimeout(() => void this.#refreshHosts(), wait).unref();
  }

  #setHosts(found: readonly HostAddress[]): void {
    const before = this.#hosts;
    this.#hosts = new Map(
      found.map((address) => {
        const name = hostName(address);
        const host = before.get(name);
        return [
          name,
          host ?? new MonitoredHost(address, { ...this.#options, connection: this.#connection }, this.#keeper),
        ];
      }),
    );
    for (const [name, host] of before) {
      if (this.#hosts.has(name)) continue;
      void host.close();
      this.#out.delete(host);
    }
    for (const [name, host] of this.#hosts) if (!before.has(name)) void host.probe(true);
    if (before.size > 0) this.#judge();
  }

  readonly #keeper = {
    probed: (host: MonitoredHost): void => {
      const { failure, sighting } = host;
      if (!failure) {
        if (!sighting?.inRecovery) host.breaker.reset();
      } else if (!(host === this.#primary && refuses(failure) && !host.refusedWrites)) {
        // A primary that is full or lets this role no longer in is still the primary of those who are in.
        host.breaker.failed(host.hangs);
      }
      const others = [...this.#hosts.values()];
      if (others.every(({ probes }) => probes > 0)) this.#settle();
      else if (!failure && !sighting?.inRecovery)
        this.#settling ??= setTimeout(() => this.#settle(), SETTLE_MS).unref();
      this.#judge(host);
    },
    pace: (host: MonitoredHost): number => {
      const { probeIntervalMs } = this.#options;
      if (host.failure) {
        const limit = this.#primary ? 5 * probeIntervalMs : Math.min(2 * HURRY_MS, probeIntervalMs);
        // Half of it by chance: many processes lose their primary at the same moment.
        return Math.min(BACK_OFF_MS * 2 ** Math.min(host.failuresInRow - 1, 10), limit) * (0.5 + Math.random() / 2);
      }
      if (host.suspect) return BACK_OFF_MS;
      const hurry = !this.#primary || host.breaker.halfOpen;
      return jittered(hurry ? Math.min(HURRY_MS, probeIntervalMs) : probeIntervalMs);
    },
  };

  #settle(): void {
    clearTimeout(this.#settling);
    if (this.#settled) return;
    this.#settled = true;
    this.#judge();
    this.#started.resolve();
  }

  /** Draws the conclusions from what all hosts have said. `probed`: the one that has just answered or failed. */
  #judge(probed?: MonitoredHost): void {
    if (this.#state !== 'running') return;
    if (this.#settled) this.#choosePrimary();
    if (probed && probed === this.#primary && probed.sighting?.position !== undefined && !probed.failure)
      this.#positions.add(probed.seenAt, probed.sighting.position);
    for (const host of this.#hosts.values()) this.#describe(host, host === probed);
    const replicas = [...this.#hosts.values()].filter(({ role, healthy }) => role === 'replica' && healthy);
    if (replicas.length !== this.#replicas.length || replicas.some((host, i) => host !== this.#replicas[i]))
      this.#replicas = replicas;
    this.#tell();
  }

  #choosePrimary(): void {
    const alive = [...this.#hosts.values()].filter((host) => host.sighting && !host.breaker.open);
    const claims = alive.filter((host) => !host.sighting?.inRecovery).map((host) => asTerm(host));
    const seat = this.#term && this.#hosts.get(this.#term.name);
    const seatTaken = seat !== undefined && (seat.full === undefined || seat.full.cluster === this.#term?.cluster);
    const { winner, dispute } = elect(claims, this.#term, seatTaken);
    const lost = this.#primary !== undefined && winner === undefined;
    this.#primary = winner && this.#hosts.get(winner.name);
    if (winner && !sameTerm(winner, this.#term)) this.#begin(winner);
    if (dispute !== this.#dispute) {
      this.#dispute = dispute;
      if (dispute !== undefined) {
        const used = winner ? `${winner.name} is used.` : 'None is used; writes wait.';
        this.#warn('two-primaries', 'more than one host says it is the primary', `${dispute}. ${used}`);
      }
    }
    if (!lost) return;
    // Another one may be a primary by now, or be in the list.
    for (const host of alive) host.schedule(jittered(HURRY_MS / 10));
    this.#refreshLater();
  }

  #begin(term: PrimaryTerm): void {
    const before = this.#term;
    this.#term = term;
    // Known now, unlike before: no change of the server.
    const learnt = before?.name === term.name && (before.timeline ?? term.timeline) === term.timeline;
    if (!learnt) this.#positions.clear();
    if (!before || learnt) return;
    const on = ({ name, timeline }: PrimaryTerm): string =>
      timeline === undefined ? name : `${name} (timeline ${timeline})`;
    this.#warn('failover', `the primary is ${on(term)} now`, `It was ${on(before)}.`);
  }

  /** Says in the host's state what it is and whether it may be used. */
  #describe(host: MonitoredHost, probed: boolean): void {
    const { sighting, failure, breaker } = host;
    const failed = failure && messageOf(failure);
    if (!sighting || (breaker.open && failure)) {
      host.role = failure ? 'down' : 'unknown';
      host.healthy = false;
      host.reason = failed ?? 'not asked yet';
    } else if (!sighting.inRecovery) {
      host.role = 'primary';
      host.healthy = host === this.#primary;
      host.reason = host.healthy ? failed : (this.#dispute ?? 'it is not known yet whether it is the only one');
      host.lagMs = undefined;
      host.lagBytes = undefined;
    } else {
      host.role = 'replica';
      this.#describeReplica(host, probed);
    }
    this.#tellReplica(host);
  }

  #describeReplica(host: MonitoredHost, probed: boolean): void {
    const { breaker } = host;
    if (probed && this.#primary) measureLag(host, this.#positions);
    const against = objection(host, this.#term, this.#primary !== undefined, this.#options);
    if (against !== undefined) {
      if (probed || !breaker.open) breaker.failed(true);
    } else if (probed && !host.failure) breaker.succeeded();
    host.healthy = !breaker.open;
    if (host.healthy) host.reason = undefined;
    else host.reason = against ?? `${breaker.missing} more good answers until it is used again`;
  }

  #tellReplica(host: MonitoredHost): void {
    if (host.role === 'unknown' || !this.#settled) return;
    // What was the primary, and may come back as a replica, is no replica that left.
    const replica = host.role === 'replica' || (host.role === 'down' && host.name !== this.#term?.name);
    if (replica && !host.healthy && !this.#out.has(host)) {
      this.#out.add(host);
      this.#warn('replica-out', `${host.name} is not read from`, host.reason);
    } else if (this.#out.has(host) && (host.healthy || !replica)) {
      this.#out.delete(host);
      if (replica) this.#warn('replica-back', `${host.name} is read from again`, undefined);
    }
  }

  #tell(): void {
    if (this.#primary && !this.#primary.suspect) this.#waiters.found(this.#primary);
    const shown = `${this.#term?.timeline} ${this.#primary?.name} ${[...this.#hosts.values()]
      .map(({ name, role, healthy }) => `${name} ${role} ${healthy}`)
      .join()}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    for (const listener of this.#listeners) listener();
  }

  #warn(code: PoolWarning['code'], message: string, detail: string | undefined): void {
    this.#options.observer?.warned?.({ code, message, detail });
  }
}

function asTerm({ name, timeline, full, sighting }: MonitoredHost): PrimaryTerm {
  return { name, timeline, cluster: full?.cluster, firstLsn: sighting?.written };
}

function sameTerm(one: PrimaryTerm, other: PrimaryTerm | undefined): boolean {
  return one.name === other?.name && one.timeline === other.timeline && one.cluster === other.cluster;
}

function jittered(ms: number): number {
  return ms * (0.8 + Math.random() * 0.4);
}

/** Without what is `undefined`, so that defaults hold. */
function defined(options: TopologyOptions): TopologyOptions {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as unknown as TopologyOptions;
}
