import { join } from 'node:path';
import type { LoadedConfig } from '../config/index.ts';
import { keepPlans } from '../ops/advisor/index.ts';
import type { BackupService } from '../ops/backup/index.ts';
import { createMonitor, statementScopes } from '../ops/monitor/index.ts';
import { openStore, type Store } from '../ops/store/index.ts';
import { createApp, createLoggers, logMonitors, refuseExposure, startServer } from '../server/index.ts';
import { startAdvisors } from './advisors.ts';
import { startBackups } from './backups.ts';
import { type EmbeddedStore, startEmbeddedStore } from './embedded-store.ts';
import { packageVersion } from './version.ts';

export interface DaemonOptions {
  config: LoadedConfig['config'];
  /** Aborts a start that takes long. */
  signal?: AbortSignal | undefined;
}

export interface Daemon {
  /** Address of the dashboard. */
  url: string;
  /** Where the history is, in words, without user and password. */
  storeAddress: string;
  /** Writes what waits, then stops everything that was started. */
  stop(): Promise<void>;
}

/**
 * Starts all of `pitcrew serve`: store, monitors, server. What was started is stopped again when a later part fails.
 * @throws {PitcrewError} of the part that failed: data directory, store, address to listen on.
 */
export async function startDaemon({ config, signal }: DaemonOptions): Promise<Daemon> {
  refuseExposure(config.server.host, config.server.token);
  const started: Stop[] = [];
  try {
    const loggers = createLoggers(config.log);
    started.push(() => loggers.close());
    const { store, storeAddress } = await startStore(config, started, loggers.database);
    signal?.throwIfAborted();
    const { monitor: settings, actions } = config;
    const scopes = statementScopes(config.databases);
    const backups: BackupService[] = [];
    const monitors = Object.entries(config.databases).map(([name, url]) =>
      createMonitor({
        name,
        url,
        config: settings,
        statements: scopes[name],
        actions,
        store,
        ...(config.backups[name] && { backups: () => backups.find((each) => each.name === name)?.known()?.facts }),
        logger: loggers.database,
      }),
    );
    started.push(async () => void (await Promise.all(monitors.map((monitor) => monitor.stop()))));
    const advisors = startAdvisors({ config, monitors, store, logger: loggers.database });
    started.push(async () => void (await Promise.all(advisors.map((advisor) => advisor.stop()))));
    backups.push(...startBackups({ config, monitors, store, logger: loggers.backup }));
    started.push(async () => void (await Promise.all(backups.map((service) => service.stop()))));
    if (settings.plans) {
      const keepers = monitors.map((monitor) => keepPlans({ monitor, store, logger: loggers.database }));
      started.push(async () => void (await Promise.all(keepers.map((keeper) => keeper.stop()))));
    }
    const { performance, slow, server: logger } = loggers;
    started.push(logMonitors({ monitors, store, slowMs: config.monitor.slowStatement, performance, slow }));
    const app = createApp({ monitors, advisors, backups, store, config, version: packageVersion(), logger });
    const server = await startServer({ ...config.server, token: config.server.token, app, logger });
    started.push(() => server.close());
    return { url: server.url, storeAddress, stop: () => stopAll(started) };
  } catch (error) {
    await stopAll(started);
    throw error;
  }
}

type Stop = () => unknown;

/** Stops what was started, the last first, and all of it even when one fails. (Node.js 22 has no AsyncDisposableStack.) */
async function stopAll(started: Stop[]): Promise<void> {
  const failures: unknown[] = [];
  for (const stop of started.splice(0).toReversed()) {
    try {
      await stop();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

type Loggers = ReturnType<typeof createLoggers>;

async function startStore(
  config: LoadedConfig['config'],
  started: Stop[],
  logger: Loggers['database'],
): Promise<{ store: Store; storeAddress: string }> {
  const { retention, url } = config.store;
  const embedded: EmbeddedStore | undefined =
    url === undefined ? await startEmbeddedStore(join(config.dataDir, 'store'), logger) : undefined;
  if (embedded) started.push(() => embedded.stop());
  const store = await openStore({ url: url ?? embedded?.url ?? '', retention, logger });
  started.push(() => store.close());
  return { store, storeAddress: embedded ? config.dataDir : new URL(url ?? '').host };
}
