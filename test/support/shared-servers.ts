import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startServer } from '../../src/ops/embedded/index.ts';
import { installedServers, testSettings } from './postgres.ts';

/** Starts one server of every version for the whole run. Tests make databases on them, and never stop them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'pitcrew-shared-'));
  chmodSync(folder, 0o755);
  if (process.getuid?.() === 0) chmodSync(folder, 0o777);
  const installed = installedServers();
  const servers = await Promise.all(
    installed.map(async ({ major, binaries }) => ({
      major,
      server: await startServer({ dataDir: join(folder, String(major)), binaries, settings: testSettings }),
    })),
  );
  project.provide('servers', Object.fromEntries(servers.map(({ major, server }) => [major, server.url()])));
  return async () => {
    await Promise.all(servers.map(({ server }) => server.stop('immediate')));
    rmSync(folder, { recursive: true, force: true });
  };
}
