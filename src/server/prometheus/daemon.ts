import type { Store } from '../../ops/store/index.ts';
import type { MetricFamily } from './exposition.ts';

const startedAt = Date.now() / 1000 - process.uptime();

/** The daemon itself: version, process, store. */
export function daemonFamilies(version: string, store: Store | undefined): MetricFamily[] {
  const { user, system } = process.cpuUsage();
  const memory = process.memoryUsage();
  return [
    gauge('pitcrew_build_info', "Pitcrew's version; always 1", 1, { version, node: process.versions.node }),
    {
      name: 'process_cpu_seconds',
      help: 'CPU time of the daemon',
      type: 'counter',
      series: [{ labels: {}, value: (user + system) / 1e6 }],
    },
    gauge('process_resident_memory_bytes', 'Memory of the daemon', memory.rss),
    gauge('nodejs_heap_size_used_bytes', 'JavaScript heap in use', memory.heapUsed),
    gauge('process_start_time_seconds', 'When the daemon started, in seconds since 1970', startedAt),
    ...(store === undefined ? [] : storeFamilies(store)),
  ];
}

function storeFamilies(store: Store): MetricFamily[] {
  const status = store.status();
  return [
    gauge('pitcrew_store_up', 'Whether the store takes data', status.state === 'ready' ? 1 : 0),
    gauge('pitcrew_store_waiting_batches', 'Batches that wait to be written', status.waitingBatches),
    {
      name: 'pitcrew_store_lost_batches',
      help: 'Batches given up because the store was away for too long',
      type: 'counter',
      series: [{ labels: {}, value: status.lostBatches }],
    },
    ...(status.bytes === undefined
      ? []
      : [gauge('pitcrew_store_size_bytes', "Size of Pitcrew's tables", status.bytes)]),
  ];
}

function gauge(name: string, help: string, value: number, labels: Record<string, string> = {}): MetricFamily {
  return { name, help, type: 'gauge', series: [{ labels, value }] };
}
