import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Binaries, type EmbeddedServer, startServer, throwawayServer } from '../../../src/ops/embedded/index.ts';

export interface WorkloadServer extends AsyncDisposable {
  server: EmbeddedServer;
  /** A folder of its own, for what belongs to it; removed with it. */
  folder: string;
}

/**
 * A server for workloads, which changes nothing by itself: no autovacuum, no checkpoint in between. Removed when the scope ends
 * (`await using`).
 * @param binaries which PostgreSQL; the one from npm by default
 */
export async function startWorkloadServer(
  settings: Record<string, string> = {},
  binaries?: Binaries,
): Promise<WorkloadServer> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'pitcrew-workload-'));
  // Root's server runs as another user, who must be able to pass through.
  chmodSync(folder, 0o711);
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  try {
    const server = await startServer({
      dataDir: join(folder, 'data'),
      superuser: 'postgres',
      ...(binaries ? { binaries } : {}),
      settings: {
        ...throwawayServer,
        shared_preload_libraries: 'pg_stat_statements',
        autovacuum: 'off',
        max_wal_size: '8GB',
        checkpoint_timeout: '1h',
        ...settings,
      },
    });
    return {
      server,
      folder,
      async [Symbol.asyncDispose]() {
        await server.stop('immediate');
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}
