import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  embeddedBinaries,
  type EmbeddedServer,
  removeServer,
  type ReplicaServer,
  startReplica,
  startServer,
  throwawayServer,
} from '../embedded/index.ts';
import { count, type Progress, SEED_VERSION, seedShop, shopSize } from './seed.ts';
import { type ShopReports, startWorkload, type Workload } from './workload.ts';

export interface DemoOptions {
  /** Everything is kept below this folder; nothing else is written. */
  dataDir: string;
  /** Says in plain words what is being done. */
  onProgress?: Progress;
  /** Stops what is being started. */
  signal?: AbortSignal;
  /** How many orders the shop has; 1,000,000 by default. All else is in proportion. */
  orders?: number;
}

export interface Demo {
  /** URL of the shop on the primary for `pitcrew`, a role that may watch, read, cancel sessions, and change tables and indexes. */
  readonly primaryUrl: string;
  /** The same on the replica. */
  readonly replicaUrl: string;
  /** The primary for a role that may replicate: what backups are made with. */
  readonly backupUrl: string;
  /** A folder for backups, emptied when the shop is made anew. */
  readonly backupDir: string;
  /** Opens the shop: its workload begins, some 100 to 250 statements a second, and reports to a daemon where one is given. */
  open(report?: ShopReports): Workload;
  /** Stops both servers; the data stays for the next start. */
  stop(): Promise<void>;
}

/** What is known of a shop that was made, in `demo.json`. Written last: a shop made by half has none. */
interface Made {
  seed: number;
  orders: number;
  password: string;
}

const DATABASE = 'shop';
const SUPERUSER = 'postgres';

/** While the shop is made nothing is at stake, and there is nobody to wait for. */
const seedSettings = {
  ...throwawayServer,
  shared_preload_libraries: 'pg_stat_statements',
  shared_buffers: '256MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '4GB',
  autovacuum: 'off',
};

const liveSettings = {
  shared_preload_libraries: 'pg_stat_statements',
  shared_buffers: '128MB',
  max_connections: '60',
  max_wal_size: '512MB',
  wal_level: 'logical',
  // For incremental backups.
  summarize_wal: 'on',
  track_io_timing: 'on',
  log_min_messages: 'fatal',
};

/**
 * Starts a sample shop to look at: a primary and a streaming replica with `pg_stat_statements`, and, once it is opened, the
 * workload of a shop with honest faults. The first start makes the shop (some 20 s for a million orders); later ones take moments.
 * @throws {PitcrewError} as `startServer`; the signal's reason when it was aborted.
 */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const { dataDir, onProgress: say = () => {}, signal, orders = 1_000_000 } = options;
  const began = performance.now();
  // Without the programs there is nothing to announce.
  embeddedBinaries();
  const running: EmbeddedServer[] = [];
  const stopServers = async (): Promise<void> => {
    // The replica first: the primary's stop waits for it.
    for (const server of running.splice(0).toReversed()) await server.stop();
  };
  // What is under way fails when its server is gone.
  const onAbort = (): void => void Promise.all(running.map((server) => server.stop('immediate'))).catch(() => {});
  signal?.addEventListener('abort', onAbort);
  try {
    signal?.throwIfAborted();
    const password = readMade(dataDir, orders)?.password ?? (await makeShop(dataDir, orders, say, running, signal));
    signal?.throwIfAborted();
    say('Starting the primary and its replica …');
    const primary = await startServer({
      dataDir: join(dataDir, 'primary'),
      settings: liveSettings,
      superuser: SUPERUSER,
    });
    running.push(primary);
    signal?.throwIfAborted();
    const replica = await startReplica(primary, { dataDir: join(dataDir, 'replica'), settings: liveSettings });
    running.push(replica);
    signal?.throwIfAborted();
    say(`The shop is ready, after ${((performance.now() - began) / 1000).toFixed(1)} s.`);
    return {
      primaryUrl: roleUrl(primary, 'pitcrew', password),
      replicaUrl: roleUrl(replica, 'pitcrew', password),
      backupUrl: roleUrl(primary, 'shop_backup', password),
      backupDir: backupDirOf(dataDir),
      open: (report) => openShop(primary, replica, password, orders, report),
      stop: stopServers,
    };
  } catch (error) {
    await stopServers();
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

function openShop(
  primary: EmbeddedServer,
  replica: ReplicaServer,
  password: string,
  orders: number,
  report: ShopReports | undefined,
): Workload {
  const servers = { primary, replica };
  return startWorkload({
    url: (role, server) => roleUrl(servers[server], role, password),
    size: shopSize(orders),
    ...(report && { report }),
  });
}

const backupDirOf = (dataDir: string): string => join(dataDir, 'backups');

/** Makes the shop, in place of one that is of another kind or was not finished. @returns the roles' password. */
async function makeShop(
  dataDir: string,
  orders: number,
  say: Progress,
  running: EmbeddedServer[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const began = performance.now();
  const primaryDir = join(dataDir, 'primary');
  say(`Making a sample shop with ${count(orders)} orders in ${dataDir}, once …`);
  await removeServer(primaryDir);
  await removeServer(join(dataDir, 'replica'));
  rmSync(join(dataDir, 'demo.json'), { force: true });
  // Backups of another cluster.
  rmSync(backupDirOf(dataDir), { recursive: true, force: true });
  const server = await startServer({ dataDir: primaryDir, settings: seedSettings, superuser: SUPERUSER });
  running.push(server);
  signal?.throwIfAborted();
  const password = randomBytes(16).toString('hex');
  await seedShop(server, DATABASE, shopSize(orders), password, say);
  await server.stop();
  running.pop();
  const made: Made = { seed: SEED_VERSION, orders, password };
  writeFileSync(join(dataDir, 'demo.json'), `${JSON.stringify(made)}\n`, { mode: 0o600 });
  say(`Made the shop in ${((performance.now() - began) / 1000).toFixed(1)} s.`);
  return password;
}

/** The shop that is there, when it is the one that is wanted. */
function readMade(dataDir: string, orders: number): Made | undefined {
  try {
    const made = JSON.parse(readFileSync(join(dataDir, 'demo.json'), 'utf8')) as Made;
    return made.seed === SEED_VERSION && made.orders === orders ? made : undefined;
  } catch {
    return undefined;
  }
}

function roleUrl(server: EmbeddedServer, role: string, password: string): string {
  const url = new URL(server.url(DATABASE));
  url.username = role;
  url.password = password;
  return url.href;
}
