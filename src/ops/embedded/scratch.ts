import { chmodSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Binaries } from './binaries.ts';
import { stopLeftover } from './postmaster.ts';
import { type EmbeddedServer, lockCluster, startLocked } from './server.ts';
import { throwawayServer } from './settings.ts';
import { cacheDir } from './template.ts';

export interface ScratchOptions {
  /** Which PostgreSQL; the one from npm by default. */
  binaries?: Binaries;
  /** Lines of postgresql.conf, added to those of a small server that never waits for the disk. */
  settings?: Record<string, string>;
}

/** A server for a moment: `stop` removes its files too. */
export type ScratchServer = EmbeddedServer & AsyncDisposable;

const PREFIX = 'pitcrew-scratch-';
/** A folder is made a moment before its lock is taken. */
const TOO_YOUNG_MS = 60_000;

/**
 * Starts a server with an empty cluster below the system's folder for temporary files. The cluster is copied from one
 * that initdb made once for this version. What killed processes left there is removed first.
 * @throws {PitcrewError} as `startServer`.
 */
export async function startScratchServer({ binaries, settings }: ScratchOptions = {}): Promise<ScratchServer> {
  await sweep();
  const folder = mkdtempSync(join(realpathSync(tmpdir()), PREFIX));
  // Root's server runs as another user, who must be able to pass through.
  if (process.getuid?.() === 0) chmodSync(folder, 0o711);
  const dataDir = join(folder, 'data');
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  const lock = lockCluster(dataDir);
  try {
    const server = await startLocked(
      {
        dataDir,
        ...(binaries ? { binaries } : {}),
        settings: { ...throwawayServer, ...settings },
        fromTemplate: true,
        copyProgramsTo: cacheDir(),
      },
      lock,
    );
    const stop: EmbeddedServer['stop'] = async (mode) => {
      await server.stop(mode);
      remove();
    };
    return { ...server, stop, [Symbol.asyncDispose]: () => stop('immediate') };
  } catch (error) {
    lock.release();
    remove();
    throw error;
  }
}

/** Removes the scratch servers of processes that are gone: their locks are free. */
export async function sweep(olderThanMs: number = TOO_YOUNG_MS): Promise<void> {
  const root = realpathSync(tmpdir());
  for (const name of readdirSync(root).filter((entry) => entry.startsWith(PREFIX))) {
    const dataDir = join(root, name, 'data');
    try {
      if (Date.now() - statSync(dirname(dataDir)).mtimeMs < olderThanMs) continue;
      const lock = lockCluster(dataDir);
      await stopLeftover(dataDir);
      lock.release();
      rmSync(dirname(dataDir), { recursive: true, force: true });
    } catch {
      // In use, another user's, or removed by another process meanwhile.
    }
  }
}
