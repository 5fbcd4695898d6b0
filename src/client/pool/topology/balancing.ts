/** A host to choose from. Of hosts that are not healthy none is ever chosen. */
export interface BalancedHost {
  readonly name: string;
  readonly healthy: boolean;
  /** Round trip or response time, smoothed; `undefined` before it was measured: then it is taken for the best. */
  readonly latencyMs: number | undefined;
  /** Statements sent there and not answered yet. */
  readonly busy: number;
}

/** What makes a choice differ from the one before, given from outside so that policies are pure functions. */
export interface Chance {
  /** Rises by one with every choice. */
  turn: number;
  /** Below 1, at least 0: `Math.random`. */
  random(): number;
}

/** Chooses a host, `undefined` when none is healthy. Allocates nothing. */
export type BalancingPolicy = <Host extends BalancedHost>(hosts: readonly Host[], chance: Chance) => Host | undefined;

/** Anything faster is as fast: below it, latency is mostly chance. */
const LEAST_MS = 0.05;

/** Each in its turn. */
const roundRobin: BalancingPolicy = (hosts, { turn }) => {
  const healthy = countHealthy(hosts);
  return healthy === 0 ? undefined : nthHealthy(hosts, turn % healthy);
};

/** Any, all equally often. */
const random: BalancingPolicy = (hosts, chance) => nthHealthy(hosts, below(countHealthy(hosts), chance));

/** The one with the fewest statements under way; among equals, each in its turn. */
const leastBusy: BalancingPolicy = (hosts, { turn }) => {
  let least = Infinity;
  let equals = 0;
  for (const { healthy, busy } of hosts) {
    if (!healthy || busy > least) continue;
    equals = busy === least ? equals + 1 : 1;
    least = busy;
  }
  if (equals === 0) return undefined;
  let ahead = turn % equals;
  return hosts.find((host) => host.healthy && host.busy === least && ahead-- === 0);
};

/** By chance, a host twice as fast twice as often. */
const latencyWeighted: BalancingPolicy = (hosts, chance) => {
  const unmeasured = fastest(hosts);
  let total = 0;
  for (const host of hosts) if (host.healthy) total += 1 / latency(host, unmeasured);
  let left = chance.random() * total;
  let last: (typeof hosts)[number] | undefined;
  for (const host of hosts) {
    if (!host.healthy) continue;
    last = host;
    left -= 1 / latency(host, unmeasured);
    if (left < 0) break;
  }
  return last;
};

/**
 * Of two by chance, the one that will probably answer first: latency × (statements under way + 1). Spreads load nearly as
 * well as knowing all queues, and does not send everybody to the same host at once (Mitzenmacher, 2001).
 */
const powerOfTwoChoices: BalancingPolicy = (hosts, chance) => {
  const healthy = countHealthy(hosts);
  const first = below(healthy, chance);
  const one = nthHealthy(hosts, first);
  if (healthy < 2) return one;
  // Any but the first, all equally often.
  const other = nthHealthy(hosts, (first + 1 + below(healthy - 1, chance)) % healthy);
  if (!one || !other) return one;
  const unmeasured = fastest(hosts);
  return cost(other, unmeasured) < cost(one, unmeasured) ? other : one;
};

export const balancingPolicies = { roundRobin, random, leastBusy, latencyWeighted, powerOfTwoChoices };
export type BalancingName = keyof typeof balancingPolicies;

function countHealthy(hosts: readonly BalancedHost[]): number {
  let count = 0;
  for (const { healthy } of hosts) if (healthy) count += 1;
  return count;
}

function nthHealthy<Host extends BalancedHost>(hosts: readonly Host[], n: number): Host | undefined {
  let ahead = n;
  for (const host of hosts) {
    if (!host.healthy) continue;
    if (ahead === 0) return host;
    ahead -= 1;
  }
  return undefined;
}

function below(count: number, chance: Chance): number {
  return Math.floor(chance.random() * count);
}

function fastest(hosts: readonly BalancedHost[]): number {
  let least = Infinity;
  for (const { healthy, latencyMs } of hosts)
    if (healthy && latencyMs !== undefined && latencyMs < least) least = latencyMs;
  return least === Infinity ? 1 : least;
}

function latency({ latencyMs }: BalancedHost, unmeasured: number): number {
  return Math.max(latencyMs ?? unmeasured, LEAST_MS);
}

function cost(host: BalancedHost, unmeasured: number): number {
  return latency(host, unmeasured) * (host.busy + 1);
}
