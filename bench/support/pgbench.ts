import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Debian's pgbench of the newest installed version, or the one on PATH. */
export function findPgbench(): string {
  const root = '/usr/lib/postgresql';
  const installed = (existsSync(root) ? readdirSync(root) : [])
    .toSorted((a, b) => Number(b) - Number(a))
    .map((major) => join(root, major, 'bin', 'pgbench'))
    .find((path) => existsSync(path));
  if (installed) return installed;
  try {
    return execFileSync('which', ['pgbench'], { encoding: 'utf8' }).trim();
  } catch {
    throw new Error('pgbench is not installed (Debian: apt-get install postgresql-contrib or postgresql-15)');
  }
}

export function pgbenchVersion(pgbench: string): string {
  return execFileSync(pgbench, ['--version'], { encoding: 'utf8' }).replace(/^\D*/, '').trim();
}

/** Runs pgbench and returns transactions per second, connection time apart. */
export async function runPgbench(pgbench: string, url: string, args: string[], prefix: string[] = []): Promise<number> {
  const output = await outputOfPgbench(pgbench, url, args, prefix);
  const tps = /tps = ([\d.]+) \(without initial connection time\)/.exec(output)?.[1];
  if (tps === undefined && !args.includes('-i')) throw new Error(`pgbench failed: ${output}`);
  return Number(tps ?? 0);
}

/** Runs pgbench and returns all that it says, progress included. */
export async function outputOfPgbench(
  pgbench: string,
  url: string,
  args: string[],
  prefix: string[] = [],
): Promise<string> {
  const [command = pgbench, ...rest] = [...prefix, pgbench, ...args, url];
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`pgbench failed: ${output}`);
  return output;
}
