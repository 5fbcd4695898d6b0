import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Binaries, embeddedBinaries } from './binaries.ts';
import { copyCluster, makeCluster, removeUnfinished, SUPERUSER } from './cluster.ts';
import { checkOwnCluster, checkReachable, holdsCluster, prepareParent, readPassword } from './data-dir.ts';
import { asDataDirError } from './data-dir-errors.ts';
import { type Identity, serverIdentity } from './identity.ts';
import { holdLock, type Lock } from './lock.ts';
import { stopLeftover } from './postmaster.ts';
import { launch } from './process.ts';
import { type Programs, usablePrograms } from './programs.ts';
import { smallServer, writeSettings } from './settings.ts';
import type { StopMode } from './spawn-server.ts';
import { templateCluster } from './template.ts';

export interface ServerOptions {
  /** The cluster's folder. Beside it are made: `<dataDir>.log`, `<dataDir>.lock` and, where needed, copied programs. */
  dataDir: string;
  /** Which PostgreSQL; the one from npm by default. */
  binaries?: Binaries;
  /** Port on 127.0.0.1; a free one by default. */
  port?: number;
  /** Lines of postgresql.conf, added to those of a small server. `ALTER SYSTEM` goes before them. */
  settings?: Record<string, string>;
  /**
   * A new cluster is copied from one that initdb made once for this version, which is faster. It is for servers whose data is worth
   * nothing after they stop.
   */
  fromTemplate?: boolean;
  /** Name of the superuser of a new cluster, and of `url()`; `pitcrew` by default. */
  superuser?: string;
}

export interface EmbeddedServer {
  readonly dataDir: string;
  readonly port: number;
  /** Resolves when the server is gone: stopped by us, or on its own. Never rejects. */
  readonly exited: Promise<void>;
  /** URL of the superuser with its password, with the database `postgres` by default. */
  url(database?: string): string;
  /** Stops fast (rolls transactions back); `immediate` leaves crash recovery to the next start. */
  stop(mode?: StopMode): Promise<void>;
  /** Stops, does the work, and starts again on the same port. Sessions are lost. */
  whileStopped(work: () => Promise<void>): Promise<void>;
}

/**
 * Starts a PostgreSQL in `dataDir`, making the cluster when the folder is absent or empty. It listens on 127.0.0.1 only,
 * asks for a password, and stops when this process ends, however it ends. A server that a killed process left running
 * there is stopped first.
 * @throws {PitcrewError} `E_MISSING_PACKAGE`; `E_DATA_DIR` when the folder is in use, foreign, of another major version,
 *   out of reach or full; `E_EMBEDDED` otherwise, with the end of the server's log.
 */
export async function startServer(options: ServerOptions): Promise<EmbeddedServer> {
  const dataDir = prepareParent(options.dataDir);
  const lock = lockCluster(dataDir);
  try {
    return await startLocked({ ...options, dataDir }, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * Removes a data directory and what is beside it, ending a server that a killed process left running there. Removes
 * nothing that Pitcrew did not make.
 * @throws {PitcrewError} `E_DATA_DIR` when it is in use or holds something else.
 */
export async function removeServer(dir: string): Promise<void> {
  const dataDir = prepareParent(dir);
  const lock = lockCluster(dataDir);
  try {
    checkOwnCluster(dataDir);
    await stopLeftover(dataDir);
    removeUnfinished(dataDir);
    // Not at once: a cluster of ten thousand tables takes seconds.
    for (const suffix of ['', '.log', '.log.1']) await rm(dataDir + suffix, { recursive: true, force: true });
  } catch (error) {
    throw asDataDirError(error, dataDir);
  } finally {
    lock.release();
  }
}

/** Lets no other process work on a cluster. */
export function lockCluster(dataDir: string): Lock {
  return holdLock(`${dataDir}.lock`, dataDir);
}

/** Programs and user for a data directory. `copyTo`: where programs are copied that the user cannot reach. */
export async function preparePrograms(
  dataDir: string,
  binaries: Binaries | undefined,
  copyTo = dirname(dataDir),
): Promise<{ programs: Programs; identity: Identity | undefined }> {
  const found = binaries ?? embeddedBinaries();
  const identity = serverIdentity(dataDir);
  checkReachable(dataDir, identity);
  return { identity, programs: await usablePrograms(found, identity, copyTo) };
}

/** `startServer` for a caller that holds the lock. The lock is released when the server has stopped. */
export async function startLocked(
  options: ServerOptions & { copyProgramsTo?: string },
  lock: Lock,
): Promise<EmbeddedServer> {
  const { dataDir, superuser = SUPERUSER } = options;
  const settings = { ...smallServer, ...options.settings };
  const { programs, identity } = await preparePrograms(dataDir, options.binaries, options.copyProgramsTo);
  if (holdsCluster(dataDir, programs.version)) await stopLeftover(dataDir);
  else if (options.fromTemplate) {
    await copyCluster(await templateCluster(programs, identity, superuser), dataDir, identity);
  } else await makeCluster({ programs, dataDir, identity, superuser, volatile: settings['fsync'] === 'off' });
  const password = readPassword(dataDir);
  const start = async (port: number | undefined): ReturnType<typeof launch> => {
    try {
      writeSettings(dataDir, settings, identity);
      return await launch({ programs, dataDir, identity, port });
    } catch (error) {
      throw asDataDirError(error, dataDir);
    }
  };
  const gone = Promise.withResolvers<void>();
  let restarting = false;
  const release = (): void => {
    if (restarting) return;
    lock.release();
    gone.resolve();
  };
  let current = await start(options.port);
  void current.exited.then(release);
  const { port } = current;
  return {
    dataDir,
    port,
    exited: gone.promise,
    url: (database = 'postgres') =>
      `postgres://${superuser}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`,
    async stop(mode = 'fast') {
      await current.stop(mode);
      release();
    },
    async whileStopped(work) {
      restarting = true;
      try {
        await current.stop('fast');
        await work();
        current = await start(port);
        void current.exited.then(release);
      } catch (error) {
        restarting = false;
        release();
        throw error;
      }
      restarting = false;
    },
  };
}
