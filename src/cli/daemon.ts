import { join } from 'node:path';
import type { LoadedConfig } from '../config/index.ts';
import { createMonitor, statementScopes } from '../ops/monitor/index.ts';
import { openStore, type Store } from '../ops/store/index.ts';
import { createApp, createLoggers, logMonitors, refuseExposure, startServer } from '../server/index.ts';
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
  const stack = new AsyncDisposableStack();
  try {
    const loggers = createLoggers(config.log);
    stack.defer(() => loggers.close());
    const { store, storeAddress } = await startStore(config, stack, loggers.database);
    signal?.throwIfAborted();
    const { monitor: settings, actions } = config;
    const scopes = statementScopes(config.databases);
    const monitors = Object.entries(config.databases).map(([name, url]) =>
      createMonitor({
        name,
        url,
        config: settings,
        statements: scopes[name],
        actions,
        store,
        logger: loggers.database,
      }),
    );
    stack.defer(async () => void (await Promise.all(monitors.map((monitor) => monitor.stop()))));
    const { performance, slow, server: logger } = loggers;
    stack.defer(logMonitors({ monitors, store, slowMs: config.monitor.slowStatement, performance, slow }));
    const app = createApp({ monitors, store, config, version: packageVersion(), logger });
    const server = await startServer({ ...config.server, token: config.server.token, app, logger });
    stack.defer(() => server.close());
    const running = stack.move();
    return { url: server.url, storeAddress, stop: () => running.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

type Loggers = ReturnType<typeof createLoggers>;

async function startStore(
  config: LoadedConfig['config'],
  stack: AsyncDisposableStack,
  logger: Loggers['database'],
): Promise<{ store: Store; storeAddress: string }> {
  const { retention, url } = config.store;
  const embedded: EmbeddedStore | undefined =
    url === undefined ? await startEmbeddedStore(join(config.dataDir, 'store'), logger) : undefined;
  if (embedded) stack.defer(() => embedded.stop());
  const store = await openStore({ url: url ?? embedded?.url ?? '', retention, logger });
  stack.defer(() => store.close());
  return { store, storeAddress: embedded ? config.dataDir : new URL(url ?? '').host };
}
