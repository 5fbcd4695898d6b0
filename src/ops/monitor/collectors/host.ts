import { createHostSampler, type HostSampler } from '../host/index.ts';
import { gauge, type MetricGroup } from './collector.ts';

/** Figures of the machine, for servers that run on the daemon's own. */
export class HostCollector {
  #sampler: HostSampler | undefined;
  #path: string | undefined;
  #cpus: number | null = null;

  /** CPUs that may be used here; `null` until sampled. */
  get cpus(): number | null {
    return this.#cpus;
  }

  /** @param dataDirectory Where the server's files are, as far as it tells us; without it disks are not known. */
  async collect(dataDirectory: string | undefined): Promise<MetricGroup> {
    if (!this.#sampler || this.#path !== dataDirectory) {
      this.#path = dataDirectory;
      this.#sampler = createHostSampler({ path: dataDirectory });
    }
    const sample = await this.#sampler.sample();
    this.#cpus = sample.cpus;
    const disk = dataDirectory === undefined ? undefined : { path: dataDirectory };
    const samples = [
      sample.cpuRatio !== null && gauge('host.cpu_ratio', sample.cpuRatio),
      sample.load1m !== null && gauge('host.load_1m', sample.load1m),
      sample.memoryUsedBytes !== null && gauge('host.memory_used_bytes', sample.memoryUsedBytes),
      gauge('host.memory_total_bytes', sample.memoryTotalBytes),
      sample.diskUsedBytes !== null && gauge('host.disk_used_bytes', sample.diskUsedBytes, disk),
      sample.diskTotalBytes !== null && gauge('host.disk_total_bytes', sample.diskTotalBytes, disk),
    ];
    return { source: 'host', samples: samples.filter((found) => found !== false), seconds: 0 };
  }
}
