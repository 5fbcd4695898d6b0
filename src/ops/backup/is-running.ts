import { readFileSync } from 'node:fs';
import { errorCode } from '../../errors.ts';

/** Whether there is a process of that number on this machine. One that has ended is none, though nobody has taken note of that yet. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
  return !hasEnded(pid);
}

/** Where the first process of a container takes note of nothing, it is there for ever. */
function hasEnded(pid: number): boolean {
  try {
    return /\) [ZX] \d/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
