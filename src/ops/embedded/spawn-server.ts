import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PitcrewError } from '../../errors.ts';
import { type Identity, spawnAs } from './identity.ts';
import { type LogFile, openLog } from './log-file.ts';
import type { Programs } from './programs.ts';
import { watchOver } from './watchdog.ts';

/** Rolls transactions back, or leaves crash recovery to the next start. */
export type StopMode = 'fast' | 'immediate';

export interface SpawnOptions {
  programs: Programs;
  /** Its log goes to `<dataDir>.log`. */
  dataDir: string;
  identity: Identity | undefined;
  /** What follows `-D DIR`. */
  args: readonly string[];
  /** It ends when this process does, however that ends: so by default. */
  bound?: boolean | undefined;
}

/** A server's process, whether or not it is of use yet. */
export interface SpawnedServer {
  /** `undefined` when it could not be run. */
  readonly pid: number | undefined;
  readonly hasEnded: boolean;
  /** Resolves when it is gone, for whatever reason. */
  readonly exited: Promise<unknown>;
  /** What it writes itself: behind `start`. */
  readonly log: Pick<LogFile, 'path' | 'start'>;
  /** The last lines of its log, or why it could not be run. */
  said(): Promise<string>;
  stop(mode: StopMode): Promise<void>;
  /** From now on it outlives this process. */
  leave(): void;
  /** What keeps this process alive is its own business; a forgotten server must not. */
  unref(): void;
}

const fastStopMs = 30_000;
const immediateStopMs = 10_000;

/** Runs `postgres` on a data directory. What becomes of it, whoever calls has to see. */
export function spawnServer({ programs, dataDir, identity, args, bound = true }: SpawnOptions): SpawnedServer {
  const log = openLog(`${dataDir}.log`, identity);
  const child = spawn(join(programs.binDir, 'postgres'), ['-D', dataDir, ...args], {
    ...spawnAs(identity),
    // Its own process group: a Ctrl-C in the terminal is for us, and we stop the server when we no longer need it.
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  const exited = exitOf(child);
  const { pid } = child;
  const callOff = bound && pid !== undefined ? watchOver(pid, identity) : () => {};
  void exited.then(callOff).finally(log.close);
  return {
    pid,
    get hasEnded() {
      return hasEnded(child);
    },
    exited,
    log,
    said: async () => (pid === undefined ? `postgres could not be run: ${await exited}` : log.tail()),
    stop: (mode) => end(child, exited, mode),
    leave: callOff,
    unref: () => child.unref(),
  };
}

/** Resolves when the process has ended, or with why it could not be run. */
function exitOf(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve(undefined));
    child.once('error', (error) => resolve(error.message));
  });
}

/** Stops a server, more firmly when it does not go: a fast stop can wait for ever for a replica that reads nothing. */
async function end(child: ChildProcess, exited: Promise<unknown>, mode: StopMode): Promise<void> {
  child.ref();
  const steps: [NodeJS.Signals, number][] = [
    ['SIGQUIT', immediateStopMs],
    ['SIGKILL', immediateStopMs],
  ];
  if (mode === 'fast') steps.unshift(['SIGINT', fastStopMs]);
  for (const [signal, waitMs] of steps) {
    if (hasEnded(child)) return;
    child.kill(signal);
    const timeout = new AbortController();
    await Promise.race([exited, delay(waitMs, undefined, { signal: timeout.signal }).catch(() => {})]);
    timeout.abort();
  }
  if (hasEnded(child)) return;
  throw new PitcrewError('E_EMBEDDED', 'PostgreSQL does not stop', {
    detail: `Process ${child.pid} ignores SIGKILL.`,
  });
}

const hasEnded = ({ pid, exitCode, signalCode }: ChildProcess): boolean =>
  pid === undefined || exitCode !== null || signalCode !== null;
