import type { ApplicationReport } from '../../../client/telemetry/report.ts';
import type { MetricSample } from '../types.ts';
import { limits, otherName } from './limits.ts';
import type { PoolEndpoint } from './types.ts';

type Endpoint = ApplicationReport['pool'][number];

/** A process with its pool as it last told. */
export interface PoolState {
  seenAt: number;
  /** How often it reports. */
  seconds: number;
  pool: readonly Endpoint[];
}

const figures = ['open', 'idle', 'waiting', 'lanes', 'max'] as const;

/** A process that was not heard of for three of its reports, at least half a minute, is gone. */
export function isLive({ seenAt, seconds }: Pick<PoolState, 'seenAt' | 'seconds'>, now: number): boolean {
  return now - seenAt <= Math.max(30_000, Math.min(seconds, 600) * 3000);
}

/** Pools of an application's processes, added up by endpoint; those with the most connections first. */
export function sumPools(states: Iterable<PoolState>): PoolEndpoint[] {
  const sums = new Map<string, PoolEndpoint>();
  for (const { pool } of states) {
    for (const endpoint of pool) addEndpoint(sums, { ...endpoint, instances: 1 });
  }
  const ordered = [...sums.values()].toSorted((a, b) => b.open - a.open || (a.endpoint < b.endpoint ? -1 : 1));
  if (ordered.length <= limits.endpoints) return ordered;
  const rest = new Map<string, PoolEndpoint>();
  for (const endpoint of ordered.slice(limits.endpoints)) addEndpoint(rest, { ...endpoint, endpoint: otherName });
  return [...ordered.slice(0, limits.endpoints), ...rest.values()];
}

function addEndpoint(sums: Map<string, PoolEndpoint>, one: PoolEndpoint): void {
  const key = `${one.role}\n${one.endpoint}`;
  const sum = sums.get(key);
  if (!sum) {
    sums.set(key, { ...one });
    return;
  }
  for (const figure of [...figures, 'instances'] as const) sum[figure] += one[figure];
}

/** The pools of an application as gauges. */
export function poolSamples(application: string, pools: readonly PoolEndpoint[]): MetricSample[] {
  return pools.flatMap(({ endpoint, role, ...values }) =>
    figures.map((figure) => ({
      name: `application.pool_${figure}`,
      labels: { application, endpoint, role },
      kind: 'gauge' as const,
      value: values[figure],
    })),
  );
}
