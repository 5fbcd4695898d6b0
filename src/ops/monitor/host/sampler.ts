import { readFile, statfs } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { type ContainerLimits, containerLimits } from './cgroup.ts';

/** The machine (or the container) at a moment. `null`: not known here. */
export interface HostSample {
  at: Date;
  /** Share of the CPUs in use since the sample before, 0–1; `null` for the first. */
  cpuRatio: number | null;
  /** CPUs that may be used: the machine's, or fewer by the quota of the container. */
  cpus: number;
  load1m: number | null;
  /** Memory that programs use; file cache counts as free. */
  memoryUsedBytes: number | null;
  memoryTotalBytes: number;
  /** File system of `path`. */
  diskUsedBytes: number | null;
  /** What programs can use of it: without the part that is reserved for root. */
  diskTotalBytes: number | null;
}

export interface HostSampler {
  /** Never rejects. */
  sample(): Promise<HostSample>;
}

interface CpuReading {
  busySeconds: number;
  /** CPU seconds there were to use since some fixed moment. */
  availableSeconds: number;
  /** Two readings can be compared only when they are of the same kind. */
  limit: number | null;
}

/**
 * Samples the machine that we run on.
 *
 * @param options.path A folder on the file system to watch, usually the data directory; without it disks are not known.
 * @param options.root Where `/proc` and `/sys` are found; for tests.
 */
export function createHostSampler(options: { path?: string | undefined; root?: string } = {}): HostSampler {
  const root = options.root ?? '/';
  let before: CpuReading | undefined;
  return {
    async sample() {
      const [limits, memory, disk] = await Promise.all([
        containerLimits(root),
        machineMemory(root),
        diskOf(options.path),
      ]);
      const now = readCpu(limits);
      const cpuRatio = ratioSince(before, now);
      before = now;
      const [load1m] = os.loadavg();
      return {
        at: new Date(),
        cpuRatio,
        cpus: Math.min(os.availableParallelism(), limits.cpuLimit ?? Number.POSITIVE_INFINITY),
        load1m: process.platform === 'win32' ? null : (load1m ?? null),
        ...withinLimit(memory, limits),
        ...disk,
      };
    },
  };
}

/** With a quota the container's own use counts, else the machine's. */
function readCpu({ cpuLimit, cpuSeconds }: ContainerLimits): CpuReading {
  if (cpuLimit !== null && cpuSeconds !== null) {
    return { busySeconds: cpuSeconds, availableSeconds: (performance.now() / 1000) * cpuLimit, limit: cpuLimit };
  }
  let busy = 0;
  let idle = 0;
  for (const { times } of os.cpus()) {
    busy += times.user + times.nice + times.sys + times.irq;
    idle += times.idle;
  }
  return { busySeconds: busy / 1000, availableSeconds: (busy + idle) / 1000, limit: null };
}

function ratioSince(before: CpuReading | undefined, now: CpuReading): number | null {
  if (!before || before.limit !== now.limit) return null;
  const available = now.availableSeconds - before.availableSeconds;
  // Counters of the kernel tick; nothing can be said of no time.
  if (available <= 0) return null;
  return Math.min(1, Math.max(0, (now.busySeconds - before.busySeconds) / available));
}

/** Only Linux says how much could be made free (`MemAvailable`); elsewhere free memory would count the cache as used. */
async function machineMemory(root: string): Promise<{ used: number | null; total: number }> {
  const info = await readFile(join(root, 'proc/meminfo'), 'utf8').catch(() => '');
  const kilobytes = (name: string): number | undefined => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(info)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const total = kilobytes('MemTotal');
  const available = kilobytes('MemAvailable');
  if (total === undefined || available === undefined) return { used: null, total: os.totalmem() };
  return { used: (total - available) * 1024, total: total * 1024 };
}

function withinLimit(
  machine: { used: number | null; total: number },
  { memoryLimitBytes, memoryUsedBytes }: ContainerLimits,
): Pick<HostSample, 'memoryUsedBytes' | 'memoryTotalBytes'> {
  if (memoryLimitBytes === null || memoryLimitBytes >= machine.total) {
    return { memoryUsedBytes: machine.used, memoryTotalBytes: machine.total };
  }
  return { memoryUsedBytes: memoryUsedBytes, memoryTotalBytes: memoryLimitBytes };
}

async function diskOf(path: string | undefined): Promise<Pick<HostSample, 'diskUsedBytes' | 'diskTotalBytes'>> {
  try {
    if (path === undefined) return { diskUsedBytes: null, diskTotalBytes: null };
    const { blocks, bfree, bavail, bsize } = await statfs(path);
    const used = (blocks - bfree) * bsize;
    return { diskUsedBytes: used, diskTotalBytes: used + bavail * bsize };
  } catch {
    // The folder belongs to another user, or is gone.
    return { diskUsedBytes: null, diskTotalBytes: null };
  }
}
