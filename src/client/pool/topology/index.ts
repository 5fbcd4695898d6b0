export {
  type BalancedHost,
  type BalancingName,
  balancingPolicies,
  type BalancingPolicy,
  type Chance,
} from './balancing.ts';
export { createTopology } from './create-topology.ts';
export { withServerName } from './host-source.ts';
export { formatLsn, parseLsn } from './lsn.ts';
export type { ProbeConfig } from './probe-connection.ts';
export type { HostRole, HostSource, HostState, PrimaryTerm, ProbeAnswer, Topology, TopologyOptions } from './types.ts';
