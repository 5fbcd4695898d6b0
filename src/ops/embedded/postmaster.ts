import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PitcrewError } from '../../errors.ts';
import { errorCode } from '../../errors.ts';

/** What a running server writes into `postmaster.pid`. */
export interface PidFile {
  pid: number;
  /** `starting`, `stopping`, `ready` or `standby`; empty at first. */
  status: string;
}

export function readPidFile(dataDir: string): PidFile | undefined {
  try {
    const lines = readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n');
    const pid = Number(lines[0]);
    return Number.isInteger(pid) && pid > 0 ? { pid, status: (lines[7] ?? '').trim() } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Ends a server that a killed daemon left running on a data directory whose lock we now hold: fast, then harder. A pid
 * file that names no such server is removed; PostgreSQL itself would refuse to start when its process id was given to
 * another program meanwhile. (Sessions that outlive their server are found by PostgreSQL through shared memory.)
 * @returns whether there was one.
 */
export async function stopLeftover(dataDir: string): Promise<boolean> {
  const found = readPidFile(dataDir);
  if (!found) return false;
  const { pid } = found;
  const running = (): boolean => isServerOn(pid, dataDir);
  const left = running();
  for (const [signal, waitMs] of [
    ['SIGINT', 20_000],
    ['SIGQUIT', 10_000],
    ['SIGKILL', 5000],
  ] as const) {
    if (!running()) break;
    signalServer(pid, signal, dataDir);
    for (const end = Date.now() + waitMs; running() && Date.now() < end;) await delay(20);
  }
  if (running()) throw otherServer(pid, dataDir);
  rmSync(join(dataDir, 'postmaster.pid'), { force: true });
  return left;
}

/** Whether a process is the server of that data directory: its command line names both. (A zombie has none.) */
function isServerOn(pid: number, dataDir: string): boolean {
  const command = commandLine(pid);
  return command.some((word) => word === dataDir) && command.some((word) => /postgres|postmaster/.test(word));
}

function commandLine(pid: number): string[] {
  if (process.platform === 'linux') {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    } catch {
      return [];
    }
  }
  return spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' })
    .stdout.trim()
    .split(' ');
}

function signalServer(pid: number, signal: NodeJS.Signals, dataDir: string): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) === 'EPERM') throw otherServer(pid, dataDir);
  }
}

function otherServer(pid: number, dataDir: string): PitcrewError {
  return new PitcrewError('E_DATA_DIR', `a PostgreSQL is running in "${dataDir}"`, {
    detail: `Process ${pid} could not be stopped.`,
    hint: `Stop it by hand (kill -INT ${pid}), or give another folder with --data-dir.`,
  });
}
