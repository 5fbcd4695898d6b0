import type pg from 'pg';
import type { EndpointRole } from '../../observer.ts';
import { createConsistency, type Consistency } from '../consistency/index.ts';
import { readConnection } from '../driver.ts';
import type { EndpointHost, EndpointStats } from '../endpoint-types.ts';
import { Endpoint } from '../endpoint.ts';
import { sqlStateOf } from '../../sql-state.ts';
import { sqlState } from '../failures.ts';
import { type HostAddress, hostName } from '../host.ts';
import { type EndpointOptions, type ResolvedOptions, resolveOptions } from '../options.ts';
import { balancingPolicies, createTopology, type HostState, type Topology, withServerName } from '../topology/index.ts';
import { hostSource } from './host-list.ts';

/** Where a caller wants to go: `auto` lets the statement decide. */
export type Access = 'auto' | 'read' | 'write' | 'analytics';

/** What the router asks of the pool: all that endpoints do, but for what is the router's own. */
export type RouterHost = Omit<EndpointHost, 'failed'>;

/** Decides which server a statement goes to. With one server it is always that one. */
export class Router {
  /** What a query may take by the pool's configuration or connection string; 0 without a limit. */
  readonly queryTimeoutMs: number;
  readonly #options: ResolvedOptions;
  readonly #host: RouterHost;
  readonly #config: pg.ClientConfig;
  readonly #topology: Topology;
  readonly #consistency: Consistency | undefined;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #chance = { turn: 0, random: Math.random };
  #primary: Endpoint | undefined;
  #primaryName: string | undefined;

  constructor(options: ResolvedOptions, host: RouterHost) {
    this.#options = options;
    this.#host = host;
    const { host: name, port, config, queryTimeoutMs } = readConnection(options);
    this.queryTimeoutMs = queryTimeoutMs;
    const hosts = hostSource(options.hosts, { host: name, port });
    this.#config = withServerName(config, hosts);
    const { maxLagMillis, maxLagBytes } = options.replicas ?? {};
    this.#topology = createTopology({
      hosts,
      connection: this.#config,
      ...(maxLagMillis === undefined ? {} : { maxLagMs: maxLagMillis }),
      ...(maxLagBytes === undefined ? {} : { maxLagBytes }),
      ...(options.observer ? { observer: options.observer } : {}),
    });
    const single = Array.isArray(hosts) && hosts.length === 1;
    if (!single) {
      this.#consistency = createConsistency({ topology: this.#topology });
      this.#topology.onChange(() => this.#changed());
    }
  }

  /** There is one server and nothing to find out. */
  get isSingle(): boolean {
    return this.#consistency === undefined;
  }

  /** Resolves when it is known where statements can go. */
  start(): Promise<void> {
    return this.#topology.start();
  }

  /** The server for a statement; waits for a primary while there is none, as long as a failover may take. */
  pick(access: Access, readOnly: boolean, scope: object | undefined): Endpoint | Promise<Endpoint> {
    if (access === 'analytics') return this.#analytics() ?? this.#awaitPrimary('analytics');
    const reads = access === 'read' || (access === 'auto' && readOnly && this.#options.replicas?.automatic !== false);
    if (reads && this.#consistency) {
      const replica = this.#replica(this.#consistency, scope);
      if (replica) return replica;
    }
    return this.#primaryEndpoint() ?? this.#awaitPrimary('primary');
  }

  /** How to connect to the primary; waits for one while there is none, as long as a failover may take. */
  async primaryConnection(): Promise<pg.ClientConfig> {
    const known = this.#topology.primary();
    const { address } = known ?? (await this.#topology.awaitPrimary(this.#options.failoverTimeoutMillis));
    return { ...this.#config, ...address };
  }

  /** A statement that may change data was answered by the primary, on behalf of that scope. */
  wrote(scope: object | undefined): void {
    this.#consistency?.wrote(scope);
  }

  /** What another process must see before it reads what this one wrote. */
  token(scope: object | undefined): Promise<string> | undefined {
    return this.#consistency?.token(scope);
  }

  atLeast(scope: object | undefined, token: string): void {
    this.#consistency?.atLeast(scope, token);
  }

  *endpoints(): IterableIterator<Endpoint> {
    yield* this.#endpoints.values();
    if (this.#endpoints.size === 0 && this.isSingle) yield this.#primaryEndpoint() as Endpoint;
  }

  stats(): EndpointStats[] {
    return [...this.endpoints()].map((endpoint) => endpoint.stats());
  }

  async end(): Promise<void> {
    await Promise.all([...this.#endpoints.values()].map((endpoint) => endpoint.end()));
    this.#consistency?.stop();
    await this.#topology.stop();
  }

  #primaryEndpoint(): Endpoint | undefined {
    const state = this.#topology.primary();
    if (!state) return undefined;
    if (state.name === this.#primaryName && this.#primary) return this.#primary;
    this.#primaryName = state.name;
    this.#primary = this.#endpoint(state.address, 'primary');
    return this.#primary;
  }

  async #awaitPrimary(role: 'primary' | 'analytics'): Promise<Endpoint> {
    const state = await this.#topology.awaitPrimary(this.#options.failoverTimeoutMillis);
    return this.#endpoint(state.address, role);
  }

  #replica(consistency: Consistency, scope: object | undefined): Endpoint | undefined {
    const readable = this.#topology.replicas().filter((host) => consistency.mayRead(host, scope));
    const chosen = this.#choose(readable, 'replica');
    return chosen && this.#endpoint(chosen.address, 'replica');
  }

  #analytics(): Endpoint | undefined {
    const replicas = this.#topology.replicas();
    // Reports take long: nobody waits for the end of one where another replica has a connection left, however far it is.
    const free = replicas.filter(({ name }) => !this.#endpoints.get(`analytics ${name}`)?.isFull);
    const chosen = this.#choose(free.length > 0 ? free : replicas, 'analytics') ?? this.#topology.primary();
    return chosen && this.#endpoint(chosen.address, 'analytics');
  }

  #choose(hosts: readonly HostState[], role: EndpointRole): HostState | undefined {
    if (hosts.length < 2) return hosts[0];
    const policy = balancingPolicies[this.#options.replicas?.balancing ?? 'powerOfTwoChoices'];
    this.#chance.turn += 1;
    const candidates = hosts.map((host) => ({
      name: host.name,
      healthy: host.healthy,
      latencyMs: host.latencyMs,
      busy: this.#endpoints.get(`${role} ${host.name}`)?.busy ?? 0,
      host,
    }));
    return policy(candidates, this.#chance)?.host;
  }

  #endpoint(address: HostAddress, role: EndpointRole): Endpoint {
    const name = hostName(address);
    const key = `${role} ${name}`;
    const known = this.#endpoints.get(key);
    if (known) return known;
    const own = this.#limits(role);
    // Whoever finds a replica gone goes elsewhere instead of waiting for it.
    const options = own
      ? resolveOptions({ ...this.#options, lanes: undefined, ...own, failoverTimeoutMillis: 0 })
      : this.#options;
    const { statement_timeout: limit } = own ?? {};
    const config = { ...this.#config, ...address, ...(limit === undefined ? {} : { statement_timeout: limit }) };
    const endpoint: Endpoint = new Endpoint(name, role, config, options, {
      ...this.#host,
      failed: (error) => this.#failed(address, role, error),
    });
    this.#endpoints.set(key, endpoint);
    return endpoint;
  }

  #limits(role: EndpointRole): EndpointOptions | undefined {
    if (role === 'analytics') return { max: 4, min: 0, lanes: 0, ...this.#options.analytics };
    if (role === 'primary') return undefined;
    const { max = this.#options.max, min = this.#options.min, lanes, statement_timeout } = this.#options.replicas ?? {};
    return { max, min, lanes, statement_timeout };
  }

  #failed(address: HostAddress, role: EndpointRole, error: unknown): boolean {
    if (this.isSingle) return false;
    if (role === 'primary' && sqlStateOf(error) === sqlState.readOnlyTransaction)
      this.#topology.reportNotPrimary(address);
    else this.#topology.reportFailure(address, error);
    return true;
  }

  /** Connections to a server that has another role now, or is not in the list any more, are given up. */
  #changed(): void {
    const primary = this.#topology.primary();
    if (primary?.name !== this.#primaryName) this.#primary = undefined;
    for (const [key, endpoint] of this.#endpoints) {
      const state = this.#topology.hostState(endpoint.name);
      const replaced = endpoint.role === 'primary' && primary !== undefined && primary.name !== endpoint.name;
      const promoted = endpoint.role === 'replica' && state?.role === 'primary';
      if (!state || replaced || promoted) {
        this.#endpoints.delete(key);
        void endpoint.retire();
      }
      // What a server still does that was promoted over is lost, whatever it says; and nobody waits for answers of a replica
      // that says nothing any more, where another server can give them.
      if (replaced || (endpoint.role === 'replica' && state?.role === 'down')) endpoint.cut();
    }
  }
}
