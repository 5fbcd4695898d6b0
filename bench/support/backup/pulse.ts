import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Transactions a second: few enough that the server is not busy with them, and enough for a 99th percentile. */
const perSecond = 200;

const script = `
  \\set id random(1, 1000)
  UPDATE pulse SET beats = beats + 1 WHERE id = :id;
  SELECT note FROM notes WHERE id = :id;
`;

/** Runs a small, steady load with pgbench while something else is done. @returns that one's answer, and the load's 99th percentile in ms */
export async function withPulse<Result>(
  pgbench: string,
  url: string,
  work: () => Promise<Result>,
): Promise<{ result: Result; p99: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'pitcrew-bench-pulse-'));
  try {
    writeFileSync(join(folder, 'script'), script);
    const args = ['-n', '-f', 'script', '-R', String(perSecond), '-c', '4', '-T', '3600', '-l', url];
    const child = spawn(pgbench, args, { cwd: folder, stdio: 'ignore' });
    const ended = once(child, 'exit');
    try {
      const result = await work();
      if (child.exitCode !== null) throw new Error(`pgbench ended with ${child.exitCode}`);
      return { result, p99: (child.kill('SIGINT'), await ended, p99Of(folder)) };
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The third number of each line is how long a transaction took since it was due, in µs. The last half a second is still in pgbench's memory. */
function p99Of(folder: string): number {
  const logs = readdirSync(folder).filter((name) => name.startsWith('pgbench_log'));
  const lines = logs.flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1));
  const sorted = lines.map((line) => Number(line.split(' ')[2])).toSorted((a, b) => a - b);
  return (sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN) / 1000;
}
