import type { LoadedConfig } from '../config/index.ts';
import {
  type Advisor,
  type AdvisorLogger,
  createAdvisor,
  createIndexAdviser,
  type Machine,
} from '../ops/advisor/index.ts';
import type { DatabaseMonitor } from '../ops/monitor/index.ts';
import type { Store } from '../ops/store/index.ts';
import { twinsFolder } from '../ops/whatif/index.ts';

export interface AdvisorsOptions {
  config: LoadedConfig['config'];
  monitors: readonly DatabaseMonitor[];
  store: Store;
  logger: AdvisorLogger;
}

/** Begins to look after the advice of every watched database. */
export function startAdvisors({ config, monitors, store, logger }: AdvisorsOptions): Advisor[] {
  return monitors.map((monitor) =>
    createAdvisor({
      name: monitor.name,
      url: config.databases[monitor.name] ?? '',
      store,
      config: config.advisor,
      logger,
      indexAdviser: createIndexAdviser({
        backend: config.advisor.backend,
        dataDir: twinsFolder(config.dataDir, monitor.name),
      }),
      // While another daemon writes the history, that one looks after the advice too; while the server is away, there is nothing to do.
      isOwner: () => monitor.status().connection === 'watching',
      isStandby: () => monitor.status().server?.isStandby ?? false,
      replicas: () => replicasOf(monitor, monitors, config.databases),
      machine: () => machineOf(monitor, config.advisor.machine),
    }),
  );
}

/** Other watched databases that are standbys of the same server, under the same database. */
function replicasOf(
  monitor: DatabaseMonitor,
  monitors: readonly DatabaseMonitor[],
  urls: Readonly<Record<string, string>>,
): { name: string; url: string }[] {
  const own = monitor.status().server;
  if (!own || own.isStandby || own.systemIdentifier === null) return [];
  return monitors.flatMap((other) => {
    const { server } = other.status();
    const url = urls[other.name];
    const isReplica =
      server?.isStandby && server.systemIdentifier === own.systemIdentifier && server.database === own.database;
    return isReplica && url !== undefined ? [{ name: other.name, url }] : [];
  });
}

/** The machine by the settings, else as the monitor sees it where it is ours. */
function machineOf(
  monitor: DatabaseMonitor,
  { memory, cpus, disk }: LoadedConfig['config']['advisor']['machine'],
): Machine | null {
  const memoryBytes = memory ?? monitor.latest().get('host.memory_total_bytes')?.value;
  const known = cpus ?? monitor.status().server?.cpus ?? undefined;
  return memoryBytes === undefined || known === undefined ? null : { memoryBytes, cpus: known, disk };
}
