import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { isRunning } from '../is-running.ts';

/** What is known of the process behind an id: `elsewhere`, on another machine, nothing can be known of it. */
export type ProcessState = 'running' | 'gone' | 'elsewhere';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);
/** Of this machine, whatever its name has in it. */
const host = digest(hostname());
/** Where the system does not tell when a process was started. */
const unknown = '00000000';

/** An id for something that this process is about to make: what it leaves is known by it, even when its number has gone to another process. */
export const newProcessId = (): string =>
  `${host}-${process.pid}-${startOf(process.pid)}-${randomBytes(4).toString('hex')}`;

/** @returns `undefined` for what is no such id */
export function processBehind(id: string): { pid: number; state: ProcessState } | undefined {
  const [, madeOn, pid, start] = /^([0-9a-f]{8})-(\d+)-([0-9a-f]{8})-[0-9a-f]{8}$/.exec(id) ?? [];
  if (madeOn === undefined || pid === undefined || start === undefined) return undefined;
  return { pid: Number(pid), state: stateOf(madeOn, Number(pid), start) };
}

function stateOf(madeOn: string, pid: number, start: string): ProcessState {
  if (madeOn !== host) return 'elsewhere';
  if (!isRunning(pid)) return 'gone';
  const now = startOf(pid);
  return start === now || [start, now].includes(unknown) ? 'running' : 'gone';
}

/** When a process was started, and since which start of the machine: no two have that and the number in common. */
function startOf(pid: number): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Its name, in brackets, can have anything in it; of what follows, the time is the twentieth.
    const ticks = line.slice(line.lastIndexOf(')') + 2).split(' ')[19];
    return ticks === undefined ? unknown : digest(`${boot} ${ticks}`);
  } catch {
    return unknown;
  }
}
