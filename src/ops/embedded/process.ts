import { setTimeout as delay } from 'node:timers/promises';
import { startFailure } from './data-dir-errors.ts';
import { freePort } from './port.ts';
import { readPidFile } from './postmaster.ts';
import { type SpawnedServer, type SpawnOptions, spawnServer, type StopMode } from './spawn-server.ts';

/** A server process that accepts connections. */
export interface ServerProcess {
  readonly port: number;
  /** Resolves when it is gone, for whatever reason. */
  readonly exited: Promise<unknown>;
  stop(mode: StopMode): Promise<void>;
}

/** A server process without a port of its own choosing. */
export interface Running extends Omit<ServerProcess, 'port'> {
  readonly pid: number;
  /** From now on it outlives this process. */
  leave(): void;
}

export interface RunOptions extends Omit<SpawnOptions, 'bound'> {
  /** So long it may take until it accepts connections; 5 minutes by default. */
  timeoutMs?: number | undefined;
  /** Ends the waiting, and the server. */
  signal?: AbortSignal | undefined;
}

export interface LaunchOptions extends Pick<RunOptions, 'programs' | 'dataDir' | 'identity'> {
  /** A free one when not given. */
  port: number | undefined;
  /** Finds free ports; each may be taken again by the time the server wants it. */
  choosePort?: () => Promise<number>;
}

/** Crash recovery takes its time. */
const START_TIMEOUT_MS = 300_000;

/**
 * Starts the server and waits until it accepts connections.
 * @throws {PitcrewError} `E_EMBEDDED` or `E_DATA_DIR`, with the last lines of the server's log.
 */
export async function launch(options: LaunchOptions): Promise<ServerProcess> {
  const { choosePort = freePort } = options;
  for (let attempt = 1; ; attempt += 1) {
    const started = await launchOnce(options, options.port ?? (await choosePort()));
    if ('process' in started) return started.process;
    const { log } = started;
    // Another program took the free port first; or sessions of a killed server are not gone yet.
    const portTaken = options.port === undefined && /could not (bind|create any TCP)/.test(log);
    const sessionsLeft = /shared memory block .* still in use/.test(log);
    if (attempt >= 20 || !(portTaken || sessionsLeft)) throw startFailure('starting PostgreSQL', options.dataDir, log);
    if (sessionsLeft) await delay(250);
  }
}

async function launchOnce(
  { programs, dataDir, identity }: LaunchOptions,
  port: number,
): Promise<{ process: ServerProcess } | { log: string }> {
  const network = ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='];
  const started = await runServer({ programs, dataDir, identity, args: ['-p', String(port), ...network] });
  return 'running' in started ? { process: { port, ...started.running } } : started;
}

/** Starts a server and waits until it accepts connections. @returns the last lines of its log when it does not */
export async function runServer(options: RunOptions): Promise<{ running: Running } | { log: string }> {
  const { programs, dataDir, identity, args } = options;
  const server = spawnServer({ programs, dataDir, identity, args });
  const { pid, exited, stop, leave } = server;
  if (pid === undefined || !(await untilReady(server, options))) {
    const log = await server.said();
    await stop('immediate');
    return { log };
  }
  server.unref();
  return { running: { pid, exited, stop, leave } };
}

/** Waits for `ready` in the server's pid file, as pg_ctl does. @returns false when it ended or took too long. */
async function untilReady(
  server: SpawnedServer,
  { dataDir, timeoutMs = START_TIMEOUT_MS, signal }: RunOptions,
): Promise<boolean> {
  for (const giveUp = Date.now() + timeoutMs; Date.now() < giveUp; await delay(10)) {
    if (server.hasEnded || signal?.aborted) return false;
    const file = readPidFile(dataDir);
    if (file?.pid === server.pid && file?.status === 'ready') return true;
  }
  return false;
}
