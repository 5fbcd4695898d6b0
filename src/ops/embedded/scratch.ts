import { tmpdir } from 'node:os';
import type { Binaries } from './binaries.ts';
import { makeScratchFolder, sweepScratchFolders } from './scratch-folder.ts';
import { type EmbeddedServer, startLocked } from './server.ts';
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

/**
 * Starts a server with an empty cluster below the system's folder for temporary files. The cluster is copied from one
 * that initdb made once for this version. What killed processes left there is removed first.
 * @throws {PitcrewError} as `startServer`.
 */
export async function startScratchServer({ binaries, settings }: ScratchOptions = {}): Promise<ScratchServer> {
  await sweepScratchFolders(tmpdir(), PREFIX);
  const { dataDir, lock, remove } = makeScratchFolder(tmpdir(), PREFIX);
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
    remove();
    throw error;
  }
}
