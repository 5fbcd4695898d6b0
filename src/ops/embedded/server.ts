import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { PitcrewError } from '../../errors.ts';
import { type Binaries, embeddedBinaries } from './binaries.ts';

export interface ServerOptions {
  dataDir: string;
  /** Which PostgreSQL; the one from npm by default. */
  binaries?: Binaries;
  /** Port on 127.0.0.1; a free one by default. */
  port?: number;
  /** Lines of postgresql.conf. */
  settings?: Record<string, string>;
}

export interface EmbeddedServer {
  readonly dataDir: string;
  readonly port: number;
  /** URL of the superuser, with the database `postgres` by default. */
  url(database?: string): string;
  /** Stops fast (rolls transactions back); `immediate` leaves crash recovery to the next start. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
}

/** Starts a PostgreSQL in `dataDir`, making the cluster when the folder is empty. */
export async function startServer(options: ServerOptions): Promise<EmbeddedServer> {
  const { binDir } = options.binaries ?? embeddedBinaries();
  const identity = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const { dataDir } = options;
  if (!existsSync(join(dataDir, 'PG_VERSION'))) {
    mkdirSync(dirname(dataDir), { recursive: true });
    mkdirSync(dataDir, { mode: 0o700 });
    if (identity.uid) chownSync(dataDir, identity.uid, identity.gid);
    const made = spawnSync(join(binDir, 'initdb'), ['-D', dataDir, '-U', 'pitcrew', '--auth=trust', '-E', 'UTF8', '--locale=C', '--no-sync'], {
      ...identity,
      cwd: '/',
      env: {},
    });
    if (made.status !== 0) throw new PitcrewError('E_EMBEDDED', 'initdb failed', { detail: String(made.stderr) });
  }
  const port = options.port ?? (await freePort());
  const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', ...options.settings };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(join(binDir, 'postgres'), ['-D', dataDir, '-p', String(port), ...args], {
    ...identity,
    cwd: '/',
    env: {},
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await untilReady(child);
  return {
    dataDir,
    port,
    url: (database = 'postgres') => `postgres://pitcrew@127.0.0.1:${port}/${database}`,
    async stop(mode = 'fast') {
      if (child.exitCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
      await gone;
    },
  };
}

function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-4000);
      if (text.includes('ready to accept')) resolve();
    });
    child.once('exit', () => reject(new PitcrewError('E_EMBEDDED', 'PostgreSQL did not start', { detail: output })));
  });
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
