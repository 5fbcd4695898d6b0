import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createHostSampler, isLocalAddress } from './index.ts';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A root with these files in `/proc` and `/sys`. */
function machine(files: Record<string, string>): string {
  const root = mkdtempSync(join(os.tmpdir(), 'pitcrew-host-'));
  folders.push(root);
  change(root, files);
  return root;
}

function change(root: string, files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${content}\n`);
  }
}

const meminfo = 'MemTotal:       8000000 kB\nMemFree:         500000 kB\nMemAvailable:   6000000 kB';

describe('the host sampler', () => {
  it('tells disk and memory of this machine', async () => {
    const sample = await createHostSampler({ path: os.tmpdir() }).sample();
    expect(sample.diskTotalBytes).toBeGreaterThan(0);
    expect(sample.diskUsedBytes).toBeLessThanOrEqual(sample.diskTotalBytes ?? 0);
    expect(sample.memoryTotalBytes).toBeGreaterThan(0);
    expect(sample.memoryTotalBytes).toBeLessThanOrEqual(os.totalmem());
    expect(sample.cpus).toBeGreaterThan(0);
    expect(sample.cpuRatio).toBeNull();
  });

  it('tells the share of CPU since the sample before', async () => {
    const sampler = createHostSampler();
    await sampler.sample();
    const ratio = await vi.waitFor(
      async () => {
        const { cpuRatio } = await sampler.sample();
        if (cpuRatio === null) throw new Error('the counters have not moved');
        return cpuRatio;
      },
      { timeout: 20_000 },
    );
    expect(ratio).toBeGreaterThanOrEqual(0);
    expect(ratio).toBeLessThanOrEqual(1);
  });

  it('counts the file cache as free', async () => {
    const sample = await createHostSampler({ root: machine({ 'proc/meminfo': meminfo }) }).sample();
    expect(sample).toMatchObject({ memoryUsedBytes: 2_000_000 * 1024, memoryTotalBytes: 8_000_000 * 1024 });
  });

  it('keeps to the limits of a container (cgroup version 2)', async () => {
    const root = machine({
      'proc/meminfo': meminfo,
      'sys/fs/cgroup/cgroup.controllers': 'cpu memory',
      'sys/fs/cgroup/memory.max': '1073741824',
      'sys/fs/cgroup/memory.current': '900000000',
      'sys/fs/cgroup/memory.stat': 'anon 5\ninactive_file 400000000',
      'sys/fs/cgroup/cpu.max': '50000 100000',
      'sys/fs/cgroup/cpu.stat': 'usage_usec 1000000\nuser_usec 5',
    });
    const sampler = createHostSampler({ root });
    const first = await sampler.sample();
    expect(first).toMatchObject({ memoryUsedBytes: 500_000_000, memoryTotalBytes: 1_073_741_824, cpus: 0.5 });
    // Far more than half a CPU could have used in the meantime.
    change(root, { 'sys/fs/cgroup/cpu.stat': 'usage_usec 9000000000' });
    expect((await sampler.sample()).cpuRatio).toBe(1);
    expect((await sampler.sample()).cpuRatio).toBe(0);
  });

  it('keeps to the limits of a container (cgroup version 1)', async () => {
    const root = machine({
      'proc/meminfo': meminfo,
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '1073741824',
      'sys/fs/cgroup/memory/memory.usage_in_bytes': '900000000',
      'sys/fs/cgroup/memory/memory.stat': 'inactive_file 1\ntotal_inactive_file 400000000',
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '75000',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
    });
    const sample = await createHostSampler({ root }).sample();
    expect(sample).toMatchObject({ memoryUsedBytes: 500_000_000, memoryTotalBytes: 1_073_741_824, cpus: 0.75 });
  });

  it('takes "no limit" for no limit, in both versions', async () => {
    const two = { 'cgroup.controllers': 'cpu', 'memory.max': 'max', 'memory.current': '5', 'cpu.max': 'max 100000' };
    const one = { 'memory/memory.limit_in_bytes': '9223372036854771712', 'cpu/cpu.cfs_quota_us': '-1' };
    for (const files of [two, one]) {
      const inPlace = Object.entries(files).map(([name, content]) => [`sys/fs/cgroup/${name}`, content] as const);
      const root = machine({ 'proc/meminfo': meminfo, ...Object.fromEntries(inPlace) });
      const sample = await createHostSampler({ root }).sample();
      expect(sample).toMatchObject({ memoryTotalBytes: 8_000_000 * 1024, cpus: os.availableParallelism() });
    }
  });

  it('says null for what it cannot know', async () => {
    const sample = await createHostSampler({ path: '/no/such/folder', root: machine({}) }).sample();
    expect(sample).toMatchObject({ diskUsedBytes: null, diskTotalBytes: null, memoryUsedBytes: null });
    expect(sample.memoryTotalBytes).toBe(os.totalmem());
  });
});

describe('isLocalAddress', () => {
  const ownAddresses = Object.values(os.networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ address }) => address),
  );

  it.each([
    '',
    null,
    undefined,
    '/var/run/postgresql',
    '@socket',
    'localhost',
    'LOCALHOST',
    'db.localhost',
    '127.0.0.1',
  ])('knows %s as this machine', (host) => expect(isLocalAddress(host)).toBe(true));

  it.each(['127.9.9.9', '::1', '[::1]', '::ffff:127.0.0.1', os.hostname(), ...ownAddresses])(
    'knows %s as this machine',
    (host) => expect(isLocalAddress(host)).toBe(true),
  );

  it.each(['db.example.com', '192.0.2.1', '2001:db8::1', '127.0.0.1.example.com', '::ffff:192.0.2.1'])(
    'knows %s as another machine',
    (host) => expect(isLocalAddress(host)).toBe(false),
  );
});
