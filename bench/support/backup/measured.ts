import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';

/** The user of the operating system that runs a program; whoever runs this by default. */
export interface RunAs {
  uid?: number;
  gid?: number;
}

export interface Measured {
  seconds: number;
  /** Of the program and all that it started and waited for. */
  cpuSeconds: number;
  /** The most that all of its processes had together, in MB: the pages of one program count once. */
  peakMb: number;
  output: string;
}

export interface RunOptions extends RunAs {
  cwd: string;
  env?: Record<string, string>;
}

const sampleMs = 25;

/** Runs a program to its end, and says what it took. @throws when it fails, with what it said */
export async function measured(words: readonly string[], { cwd, env, uid, gid }: RunOptions): Promise<Measured> {
  // The shell knows what those it has waited for took, which Node does not tell.
  const shell = ['-c', '"$@"; code=$?; times >&3; exit $code', 'measured', ...words];
  const began = performance.now();
  const child = spawn('bash', shell, {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, LC_ALL: 'C.UTF-8', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  let peakBytes = 0;
  const sample = (): void => void (peakBytes = Math.max(peakBytes, residentBytes(child.pid ?? 0)));
  const timer = setInterval(sample, sampleMs);
  try {
    const [, stdout, stderr, times] = child.stdio as (Readable | null)[];
    const said = Promise.all([stdout, stderr, times].map((stream) => (stream ? text(stream) : '')));
    const code = await new Promise((resolve, reject) => child.once('error', reject).once('exit', resolve));
    const seconds = (performance.now() - began) / 1000;
    const [out = '', error = '', took = ''] = await said;
    if (code !== 0) throw new Error(`${words.join(' ')} ended with ${String(code)}: ${out}${error}`);
    return { seconds, cpuSeconds: childrenSeconds(took), peakMb: peakBytes / 1e6, output: out + error };
  } finally {
    clearInterval(timer);
    child.kill('SIGKILL');
  }
}

/** Of what the shell's `times` prints, the second line is of its children: `0m1.234s 0m0.456s`. */
function childrenSeconds(times: string): number {
  const parts = [...(times.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)];
  return parts.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}

/**
 * Of all processes below the shell: what each has for itself, its share of what it has with others, and the pages of programs and libraries once: our own process runs the
 * same program at times, which makes it no smaller.
 */
function residentBytes(shell: number): number {
  let own = 0;
  let ofFiles = 0;
  for (const pid of descendants(shell)) {
    const rollup = read(`/proc/${pid}/smaps_rollup`);
    own += kilobytesOf('Pss_Anon', rollup) + kilobytesOf('Pss_Shmem', rollup);
    ofFiles = Math.max(ofFiles, kilobytesOf('RssFile', read(`/proc/${pid}/status`)));
  }
  return (own + ofFiles) * 1024;
}

const kilobytesOf = (name: string, fields: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(fields)?.[1] ?? 0);

function descendants(pid: number): number[] {
  const children = childrenOf(pid);
  return [...children, ...children.flatMap(descendants)];
}

/** Of all threads: each may have started some. */
function childrenOf(pid: number): number[] {
  let threads: string[] = [];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    // It has ended.
  }
  return threads
    .flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).split(' '))
    .filter((word) => word !== '')
    .map(Number);
}

/** CPU of a server's processes so far, in seconds: of those that are there, and of those that were. */
export function serverSeconds(postmaster: number): number {
  const ticks = [postmaster, ...childrenOf(postmaster)].reduce((sum, pid) => sum + ticksOf(pid), 0);
  return ticks / 100;
}

/** User and system time, own and of children that ended. The name in parentheses may have spaces in it. */
function ticksOf(pid: number): number {
  const fields = read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? [];
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
