import type { TableScans, WindowSum, WindowView } from './input.ts';

/** The part of a collector's batch that is looked at; a store's `Batch` fits. */
export interface WindowBatch {
  at: Date;
  /** Length of the interval that the counters cover; 0 at first. */
  seconds: number;
  metrics?: readonly {
    name: string;
    kind: 'counter' | 'gauge';
    value: number;
    labels?: Readonly<Record<string, string>>;
  }[];
  tables?: readonly {
    key: { schema: string; name: string };
    counters: { seqScans: number; indexScans: number };
    gauges: { liveRows: number };
  }[];
}

export interface HealthWindow {
  /** Takes in what a collector found. Call it with every batch, also those that the store could not take. */
  add(batch: WindowBatch): void;
  view(now: Date): WindowView;
  /** Forgets everything: the target is another server now. */
  clear(): void;
}

const minute = 60_000;
const recentMs = 5 * minute;
const tablesMs = 15 * minute;
const hourMs = 60 * minute;
const replicaMemoryMs = 24 * 60 * minute;
/** A walsender that is there for less is a base backup or the first copy of a logical table. */
const lastingMs = 5 * minute;
/** Sequential scans of smaller tables are what the planner should choose. */
export const largeTableRows = 10_000;

interface Bucket {
  /** Start of its minute. */
  at: number;
  counters: Map<string, WindowSum>;
  gauges: Map<string, { sum: number; samples: number }>;
  tables: Map<string, TableScans>;
  tableSeconds: number;
}

/**
 * Keeps the last hour of counters in buckets of a minute, large tables for 15 minutes, and the replicas that were seen.
 * An interval of more than five minutes (the daemon was down, the server was away) is left out: what happened in eight
 * hours says little of now.
 */
export function createHealthWindow(): HealthWindow {
  const buckets: Bucket[] = [];
  const replicas = new Map<string, { firstSeen: number; lastSeen: number }>();
  let replicasLookedAt = 0;

  const bucketAt = (time: number): Bucket => {
    const at = Math.floor(time / minute) * minute;
    const found = buckets.findLast((bucket) => bucket.at === at);
    if (found) return found;
    const bucket: Bucket = { at, counters: new Map(), gauges: new Map(), tables: new Map(), tableSeconds: 0 };
    buckets.push(bucket);
    while (buckets.length > 0 && (buckets[0]?.at ?? 0) <= at - hourMs) buckets.shift();
    for (const old of buckets) if (old.at <= at - tablesMs) old.tables.clear();
    return bucket;
  };

  return {
    add(batch) {
      const time = batch.at.getTime();
      const bucket = bucketAt(time);
      const whole = batch.seconds > 0 && batch.seconds * 1000 <= recentMs;
      if (whole) addCounters(bucket, batch);
      for (const { name, kind, value, labels } of batch.metrics ?? []) {
        if (kind !== 'gauge' || Object.keys(labels ?? {}).length > 0) continue;
        const gauge = bucket.gauges.get(name) ?? { sum: 0, samples: 0 };
        bucket.gauges.set(name, { sum: gauge.sum + value, samples: gauge.samples + 1 });
      }
      if (whole && batch.tables) addTables(bucket, batch.tables, batch.seconds);
      if (noteReplicas(replicas, batch)) replicasLookedAt = time;
    },
    view(now) {
      const from = (span: number): Bucket[] => buckets.filter((bucket) => bucket.at > now.getTime() - span);
      const tables = from(tablesMs);
      return {
        recent: sumCounters(from(recentMs)),
        hour: sumCounters(from(hourMs)),
        gauges: meanGauges(from(recentMs)),
        largeTables: sumTables(tables),
        tableSeconds: tables.reduce((sum, bucket) => sum + bucket.tableSeconds, 0),
        lostReplicas: lost(replicas, replicasLookedAt, now.getTime()),
      };
    },
    clear() {
      buckets.length = 0;
      replicas.clear();
      replicasLookedAt = 0;
    },
  };
}

/** Adds each counter of the batch; the labels of one name are summed, its seconds are counted once. */
function addCounters(bucket: Bucket, batch: WindowBatch): void {
  const increases = new Map<string, number>();
  for (const { name, kind, value } of batch.metrics ?? []) {
    if (kind === 'counter') increases.set(name, (increases.get(name) ?? 0) + value);
  }
  for (const [name, increase] of increases) {
    const sum = bucket.counters.get(name) ?? { increase: 0, seconds: 0 };
    bucket.counters.set(name, { increase: sum.increase + increase, seconds: sum.seconds + batch.seconds });
  }
}

function addTables(bucket: Bucket, tables: NonNullable<WindowBatch['tables']>, seconds: number): void {
  bucket.tableSeconds += seconds;
  for (const { key, counters, gauges } of tables) {
    const { seqScans, indexScans } = counters;
    if (gauges.liveRows < largeTableRows || seqScans + indexScans === 0) continue;
    addScans(bucket.tables, { ...key, liveRows: gauges.liveRows, seqScans, indexScans });
  }
}

function addScans(into: Map<string, TableScans>, scans: TableScans): void {
  const key = JSON.stringify([scans.schema, scans.name]);
  const sum = into.get(key);
  into.set(key, {
    schema: scans.schema,
    name: scans.name,
    liveRows: scans.liveRows,
    seqScans: (sum?.seqScans ?? 0) + scans.seqScans,
    indexScans: (sum?.indexScans ?? 0) + scans.indexScans,
  });
}

/** True when this batch tells which replicas there are. */
function noteReplicas(replicas: Map<string, { firstSeen: number; lastSeen: number }>, batch: WindowBatch): boolean {
  const metrics = batch.metrics ?? [];
  if (!metrics.some(({ name }) => name === 'replication.replicas')) return false;
  const time = batch.at.getTime();
  for (const { name, labels } of metrics) {
    const replica = name === 'replication.replay_lag_bytes' ? labels?.['replica'] : undefined;
    if (replica === undefined) continue;
    replicas.set(replica, { firstSeen: replicas.get(replica)?.firstSeen ?? time, lastSeen: time });
  }
  for (const [name, { lastSeen }] of replicas) if (lastSeen < time - replicaMemoryMs) replicas.delete(name);
  return true;
}

function lost(
  replicas: ReadonlyMap<string, { firstSeen: number; lastSeen: number }>,
  lookedAt: number,
  now: number,
): WindowView['lostReplicas'] {
  return [...replicas]
    .filter(([, { firstSeen, lastSeen }]) => lastSeen - firstSeen >= lastingMs && lastSeen < lookedAt)
    .filter(([, { lastSeen }]) => lastSeen > now - replicaMemoryMs)
    .map(([name, { lastSeen }]) => ({ name, lastSeen: new Date(lastSeen) }));
}

function sumCounters(buckets: readonly Bucket[]): Map<string, WindowSum> {
  const sums = new Map<string, WindowSum>();
  for (const bucket of buckets) {
    for (const [name, { increase, seconds }] of bucket.counters) {
      const sum = sums.get(name);
      sums.set(name, { increase: (sum?.increase ?? 0) + increase, seconds: (sum?.seconds ?? 0) + seconds });
    }
  }
  return sums;
}

function meanGauges(buckets: readonly Bucket[]): Map<string, { mean: number; samples: number }> {
  const sums = new Map<string, { sum: number; samples: number }>();
  for (const bucket of buckets) {
    for (const [name, gauge] of bucket.gauges) {
      const sum = sums.get(name);
      sums.set(name, { sum: (sum?.sum ?? 0) + gauge.sum, samples: (sum?.samples ?? 0) + gauge.samples });
    }
  }
  return new Map([...sums].map(([name, { sum, samples }]) => [name, { mean: sum / samples, samples }]));
}

function sumTables(buckets: readonly Bucket[]): TableScans[] {
  const sums = new Map<string, TableScans>();
  for (const bucket of buckets) for (const scans of bucket.tables.values()) addScans(sums, scans);
  return [...sums.values()];
}
