import type { MetricName } from '../../metrics.ts';
import { type CheckDefinition, graded, type Judgement, unknown } from '../check.ts';
import type { HealthInput } from '../input.ts';
import { knownSoon, latestSeries } from '../reading.ts';
import { bytes, percent } from '../../../words/index.ts';

const thresholds = { warning: 0.8, critical: 0.95 };
/** Half a minute at the sampler's pace: a moment of full load is what a computer is for. */
const leastSamples = 3;

function notHere(input: HealthInput, what: string): Judgement {
  return input.hostIsLocal
    ? unknown(`The ${what} of this machine has not been measured yet`, knownSoon)
    : unknown(
        'The database runs on another machine, which cannot be seen from here',
        "Run Pitcrew on the database's machine, or watch that machine with the tools of its provider.",
      );
}

export const disk: CheckDefinition = {
  id: 'disk',
  title: 'Disk',
  weight: 10,
  cap: 59,
  thresholds: 'warning from 80 %, critical from 95 % of the file system with the data directory',
  source: '`statfs()` on the machine of the daemon, when the database runs there',
  collector: null,
  judge(input) {
    const used = latestSeries(input, 'host.disk_used_bytes');
    const total = latestSeries(input, 'host.disk_total_bytes');
    const fullest = used
      .flatMap(({ labels, value }) => {
        const size = total.find((other) => other.labels['path'] === labels['path'])?.value;
        return size ? [{ path: labels['path'] ?? null, used: value, total: size }] : [];
      })
      .toSorted((a, b) => b.used / b.total - a.used / a.total)[0];
    if (!input.hostIsLocal || !fullest) return notHere(input, 'disk');
    const message = `The disk is ${percent(fullest.used / fullest.total)} full (${bytes(fullest.total - fullest.used)} free)`;
    return graded(fullest.used / fullest.total, thresholds, {
      fine: message,
      evidence: { usedBytes: fullest.used, totalBytes: fullest.total, path: fullest.path },
      problem: {
        message,
        advice:
          'Make room before writes fail: drop what is not needed, look for replication slots and failing archiving that keep ' +
          'WAL, or enlarge the disk. Never delete files in pg_wal by hand.',
      },
    });
  },
};

function mean(input: HealthInput, name: MetricName): number | undefined {
  const gauge = input.window.gauges.get(name);
  return input.hostIsLocal && gauge && gauge.samples >= leastSamples ? gauge.mean : undefined;
}

export const memory: CheckDefinition = {
  id: 'memory',
  title: 'Memory',
  weight: 5,
  cap: 69,
  thresholds: 'warning from 80 %, critical from 95 % in use over 5 minutes, file cache not counted as used',
  source: '`MemAvailable` of `/proc/meminfo`, or the limit of the cgroup, on the machine of the daemon',
  collector: null,
  judge(input) {
    const used = mean(input, 'host.memory_used_bytes');
    const total = mean(input, 'host.memory_total_bytes');
    if (used === undefined || !total) return notHere(input, 'memory');
    const message = `${percent(used / total)} of ${bytes(total)} memory is in use`;
    return graded(used / total, thresholds, {
      fine: message,
      evidence: { usedBytes: used, totalBytes: total },
      problem: {
        message,
        advice:
          'See what takes it (top, sorted by memory). On the database side work_mem × sessions, maintenance_work_mem and ' +
          'shared_buffers are what counts; without memory the kernel ends processes.',
      },
    });
  },
};

export const cpu: CheckDefinition = {
  id: 'cpu',
  title: 'CPU',
  weight: 5,
  cap: 69,
  thresholds: 'warning from 80 %, critical from 95 % in use over 5 minutes',
  source: '`/proc/stat` or the cgroup, on the machine of the daemon',
  collector: null,
  judge(input) {
    const ratio = mean(input, 'host.cpu_ratio');
    if (ratio === undefined) return notHere(input, 'CPU');
    const load = latestSeries(input, 'host.load_1m')[0]?.value ?? null;
    const message = `The CPU is ${percent(ratio)} busy`;
    return graded(ratio, thresholds, {
      fine: message,
      evidence: { ratio, load1m: load, cpus: input.status.server?.cpus ?? null },
      problem: {
        message,
        advice: 'Look at the statements with the largest share of the time: a missing index often shows as CPU.',
      },
    });
  },
};
