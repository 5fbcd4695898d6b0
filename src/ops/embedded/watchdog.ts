import { spawn } from 'node:child_process';
import { type Identity, spawnAs } from './identity.ts';

const running = new Set<number>();

process.on('exit', () => {
  for (const pid of running) interrupt(pid);
});

/**
 * Stops a server when this process ends, however it ends. A shell waits for the end of a pipe that only we hold: the
 * kernel closes it even after `kill -9`, and the shell then asks the server for a fast shutdown. Where there is no
 * shell, an orderly exit still stops the server, and the next start finds one that was left.
 * @returns a function that calls the watchdog off.
 */
export function watchOver(pid: number, identity: Identity | undefined): () => void {
  running.add(pid);
  const shell = spawn('/bin/sh', ['-c', 'read -r word || kill -INT "$1"', 'pitcrew-watchdog', String(pid)], {
    ...spawnAs(identity),
    // Its own process group: a Ctrl-C in the terminal must not end the watchdog before us.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.on('error', () => {});
  shell.stdin.on('error', () => {});
  shell.unref();
  // At run time the pipe is a socket, which would keep the process alive.
  if ('unref' in shell.stdin && typeof shell.stdin.unref === 'function') shell.stdin.unref();
  return () => {
    running.delete(pid);
    shell.stdin.end('stopped\n');
  };
}

function interrupt(pid: number): void {
  try {
    process.kill(pid, 'SIGINT');
  } catch {
    // Gone already.
  }
}
