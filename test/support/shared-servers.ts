import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startScratchServer } from '../../src/ops/embedded/index.ts';
import { installedServers, missingMajors, testSettings } from './postgres.ts';
import { useRunFolder } from './run-folder.ts';

/** Makes the run's folder, and starts one server of every version for the whole run. Tests make databases on them, and never stop them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const installed = installedServers();
  const missing = missingMajors();
  if (missing.length > 0) {
    process.stderr.write(
      `Not tested here: PostgreSQL ${missing.join(', ')}. The optional packages of test/servers/ are not installed; they ` +
        `exist for Linux on x64 only, and this is ${process.platform} on ${process.arch}.\n`,
    );
  }
  const folder = useRunFolder();
  const servers = await Promise.all(
    installed.map(async ({ major, binaries }) => ({
      major,
      server: await startScratchServer({ binaries, settings: testSettings }),
    })),
  );
  for (const { server } of servers) await withStatements(server.url());
  project.provide('servers', Object.fromEntries(servers.map(({ major, server }) => [major, server.url()])));
  return async () => {
    await Promise.all(servers.map(({ server }) => server.stop('immediate')));
    folder[Symbol.dispose]();
  };
}

/** So that the statements of a database can be forgotten when it is dropped. */
async function withStatements(url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query('CREATE EXTENSION pg_stat_statements');
  await client.end();
}
