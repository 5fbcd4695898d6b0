import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PitcrewError } from '../../errors.ts';
import { startFailure } from './data-dir-errors.ts';
import { type Identity, spawnAs } from './identity.ts';
import { openLog } from './log-file.ts';
import { freePort } from './port.ts';
import { readPidFile } from './postmaster.ts';
import type { Programs } from './programs.ts';
import { watchOver } from './watchdog.ts';

export type StopMode = 'fast' | 'immediate';

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

export interface RunOptions {
  programs: Programs;
  dataDir: string;
  identity: Identity | undefined;
  /** What follows `-D DIR`. */
  args: readonly string[];
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
const FAST_STOP_MS = 30_000;
const IMMEDIATE_STOP_MS = 10_000;

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
  const log = openLog(`${dataDir}.log`, identity);
  const child = spawn(join(programs.binDir, 'postgres'), ['-D', dataDir, ...args], {
    ...spawnAs(identity),
    // Its own process group: a Ctrl-C in the terminal is for us, and we stop the server when we no longer need it.
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  const exited = exitOf(child);
  const callOff = child.pid === undefined ? () => {} : watchOver(child.pid, identity);
  void exited.then(callOff).finally(log.close);
  const ready = await untilReady(child, options);
  const { pid } = child;
  if (!ready || pid === undefined) {
    const tail = log.tail();
    await end(child, exited, 'immediate');
    return { log: pid === undefined ? `postgres could not be run: ${await exited}` : tail };
  }
  // What keeps the process alive is its own business; a forgotten server must not.
  child.unref();
  return { running: { pid, exited, stop: (mode) => end(child, exited, mode), leave: callOff } };
}

/** Resolves when the process has ended, or with why it could not be run. */
function exitOf(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve(undefined));
    child.once('error', (error) => resolve(error.message));
  });
}

/** Waits for `ready` in the server's pid file, as pg_ctl does. @returns false when it ended or took too long. */
async function untilReady(
  child: ChildProcess,
  { dataDir, timeoutMs = START_TIMEOUT_MS, signal }: RunOptions,
): Promise<boolean> {
  for (const giveUp = Date.now() + timeoutMs; Date.now() < giveUp; await delay(10)) {
    if (child.pid === undefined || hasEnded(child) || signal?.aborted) return false;
    const file = readPidFile(dataDir);
    if (file?.pid === child.pid && file.status === 'ready') return true;
  }
  return false;
}

/** Stops a server, more firmly when it does not go: a fast stop can wait for ever for a replica that reads nothing. */
async function end(child: ChildProcess, exited: Promise<unknown>, mode: StopMode): Promise<void> {
  child.ref();
  const steps: [NodeJS.Signals, number][] = [
    ['SIGQUIT', IMMEDIATE_STOP_MS],
    ['SIGKILL', IMMEDIATE_STOP_MS],
  ];
  if (mode === 'fast') steps.unshift(['SIGINT', FAST_STOP_MS]);
  for (const [signal, waitMs] of steps) {
    if (child.pid === undefined || hasEnded(child)) return;
    child.kill(signal);
    const timeout = new AbortController();
    await Promise.race([exited, delay(waitMs, undefined, { signal: timeout.signal }).catch(() => {})]);
    timeout.abort();
  }
  if (child.pid !== undefined && !hasEnded(child)) {
    throw new PitcrewError('E_EMBEDDED', 'PostgreSQL does not stop', {
      detail: `Process ${child.pid} ignores SIGKILL.`,
    });
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
