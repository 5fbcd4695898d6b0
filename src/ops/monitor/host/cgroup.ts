import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a container may use of its machine, and uses. `null`: no limit, or not known. */
export interface ContainerLimits {
  memoryLimitBytes: number | null;
  /** Memory in use, file cache that can be dropped not counted. */
  memoryUsedBytes: number | null;
  /** CPUs that may be used, with fractions. */
  cpuLimit: number | null;
  /** CPU time used so far, in seconds. */
  cpuSeconds: number | null;
}

/**
 * Limits of the container, from the root of the cgroup file system as the container sees it: version 2
 * (`memory.max`, `cpu.max`), else version 1. On a machine itself these files are not there or say that there is no limit.
 */
export async function containerLimits(root = '/'): Promise<ContainerLimits> {
  const at = join(root, 'sys/fs/cgroup');
  const two = await versionTwo(at);
  return two ?? (await versionOne(at));
}

async function versionTwo(at: string): Promise<ContainerLimits | undefined> {
  if ((await text(join(at, 'cgroup.controllers'))) === undefined) return undefined;
  const [memoryMax, current, memoryStat, cpuMax, cpuStat] = await Promise.all(
    ['memory.max', 'memory.current', 'memory.stat', 'cpu.max', 'cpu.stat'].map((name) => text(join(at, name))),
  );
  const [quota, period] = (cpuMax ?? '').split(/\s+/).map((part) => numberOf(part));
  const used = numberOf(current);
  const usage = field(cpuStat, 'usage_usec');
  return {
    memoryLimitBytes: numberOf(memoryMax),
    memoryUsedBytes: used === null ? null : used - (field(memoryStat, 'inactive_file') ?? 0),
    cpuLimit: quota && period ? quota / period : null,
    cpuSeconds: usage === null ? null : usage / 1e6,
  };
}

/** Version 1 says "no limit" by a number near 2^63. */
const unlimited = 2 ** 60;

async function versionOne(at: string): Promise<ContainerLimits> {
  const [limit, usage, memoryStat, quota, period, cpuUsage] = await Promise.all(
    [
      'memory/memory.limit_in_bytes',
      'memory/memory.usage_in_bytes',
      'memory/memory.stat',
      'cpu/cpu.cfs_quota_us',
      'cpu/cpu.cfs_period_us',
      'cpuacct/cpuacct.usage',
    ].map((name) => text(join(at, name))),
  );
  const limitBytes = numberOf(limit);
  const used = numberOf(usage);
  const quotaUs = numberOf(quota);
  const periodUs = numberOf(period);
  const cpuNanoseconds = numberOf(cpuUsage);
  return {
    memoryLimitBytes: limitBytes !== null && limitBytes < unlimited ? limitBytes : null,
    memoryUsedBytes: used === null ? null : used - (field(memoryStat, 'total_inactive_file') ?? 0),
    cpuLimit: quotaUs !== null && quotaUs > 0 && periodUs ? quotaUs / periodUs : null,
    cpuSeconds: cpuNanoseconds === null ? null : cpuNanoseconds / 1e9,
  };
}

async function text(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch {
    // Not there, or not for us: not known.
    return undefined;
  }
}

function numberOf(value: string | undefined): number | null {
  return value !== undefined && /^-?\d+$/.test(value) ? Number(value) : null;
}

function field(content: string | undefined, name: string): number | null {
  const line = content?.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return numberOf(line?.slice(name.length + 1));
}
