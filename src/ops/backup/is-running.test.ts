import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { isRunning } from './is-running.ts';

test('a process runs until it has ended, whether or not somebody has taken note of that', async () => {
  expect(isRunning(process.pid)).toBe(true);
  expect(isRunning(99_999_999)).toBe(false);
  // The shell becomes a program that does not know of what it has begun.
  const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 600'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [said] = (await once(parent.stdout, 'data')) as [Buffer];
  await expect.poll(() => isRunning(Number(said))).toBe(false);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
});
