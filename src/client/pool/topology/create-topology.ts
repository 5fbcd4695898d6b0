import { isStatic } from './host-source.ts';
import { MonitoredTopology } from './monitored-topology.ts';
import { singleHost } from './single-host.ts';
import type { Topology, TopologyOptions } from './types.ts';

/** Watches hosts. With a list of one there is nothing to watch: it is the primary, and no connection is spent on it. */
export function createTopology(options: TopologyOptions): Topology {
  const [only, second] = isStatic(options.hosts) ? options.hosts : [];
  if (only && !second) return singleHost(only, options.connection, options.probeTimeoutMs ?? 2000);
  return new MonitoredTopology(options);
}
