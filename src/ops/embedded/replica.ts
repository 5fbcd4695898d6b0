import { appendFileSync, chownSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { PitcrewError } from '../../errors.ts';
import { copyCluster } from './cluster.ts';
import { holdsCluster, prepareParent } from './data-dir.ts';
import type { Lock } from './lock.ts';
import { stopLeftover } from './postmaster.ts';
import { type EmbeddedServer, lockCluster, preparePrograms, type ServerOptions, startLocked } from './server.ts';
import { setting } from './settings.ts';

export interface ReplicaOptions extends Omit<ServerOptions, 'superuser'> {
  /** Name of the physical slot on the primary, and the replica's application_name there; `replica` by default. */
  slot?: string;
}

export interface ReplicaServer extends EmbeddedServer {
  /** Makes it a primary of its own; returns when it accepts writes. */
  promote(): Promise<void>;
}

const STREAMING_WITHIN_MS = 20_000;

/**
 * Starts a streaming replica of a primary that `startServer` started. When `dataDir` holds none yet, or one that can no
 * longer follow (promoted, or away for longer than the slot kept write-ahead log), the primary is stopped for as long as
 * a copy of its files takes, and started again on its port. Returns when the replica streams.
 * @throws {PitcrewError} as `startServer`; `E_EMBEDDED` when it does not get to streaming.
 */
export async function startReplica(primary: EmbeddedServer, options: ReplicaOptions): Promise<ReplicaServer> {
  const { slot = 'replica' } = options;
  const dataDir = prepareParent(options.dataDir);
  const lock = lockCluster(dataDir);
  try {
    const follows = await canFollow(primary, dataDir, slot, options);
    if (!follows) await recopy(primary, dataDir, slot, options);
    const replica = await follow(primary, { ...options, dataDir }, slot, lock);
    return { ...replica, promote: () => withClient(replica, (client) => promote(client)) };
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function follow(
  primary: EmbeddedServer,
  options: ServerOptions,
  slot: string,
  lock: Lock,
): Promise<EmbeddedServer> {
  pointAt(primary, options.dataDir, slot);
  const superuser = decodeURIComponent(new URL(primary.url()).username);
  const replica = await startLocked({ ...options, superuser }, lock);
  if (await untilStreaming(primary, slot)) return replica;
  await replica.stop('immediate');
  throw new PitcrewError('E_EMBEDDED', 'the replica does not stream from its primary', {
    detail: lastLines(`${options.dataDir}.log`),
    hint: `Remove "${options.dataDir}" to have it made anew.`,
  });
}

/** Whether the files there are a replica's of this very primary, and the primary has kept all that it lacks. */
async function canFollow(
  primary: EmbeddedServer,
  dataDir: string,
  slot: string,
  options: ReplicaOptions,
): Promise<boolean> {
  const { programs } = await preparePrograms(dataDir, options.binaries);
  if (!holdsCluster(dataDir, programs.version)) return false;
  if (!existsSync(join(dataDir, 'standby.signal')) || systemIdentifier(primary.dataDir) !== systemIdentifier(dataDir))
    return false;
  const [found] = await withClient(primary, async (client) => {
    const sql = `
      SELECT /* pitcrew */ wal_status
        FROM pg_replication_slots
       WHERE slot_name = $1
         AND slot_type = 'physical'
    `;
    return (await client.query<{ wal_status: string | null }>(sql, [slot])).rows;
  });
  return found !== undefined && found.wal_status !== 'lost';
}

async function recopy(primary: EmbeddedServer, dataDir: string, slot: string, options: ReplicaOptions): Promise<void> {
  const { identity } = await preparePrograms(dataDir, options.binaries);
  await stopLeftover(dataDir);
  rmSync(dataDir, { recursive: true, force: true });
  // Before the stop, so that no write-ahead log after the copy can be removed unseen.
  await withClient(primary, (client) => makeSlot(client, slot));
  await primary.whileStopped(() => copyCluster(primary.dataDir, dataDir, identity));
}

async function makeSlot(client: pg.Client, slot: string): Promise<void> {
  await client.query(
    `
      SELECT /* pitcrew */ pg_drop_replication_slot(slot_name)
        FROM pg_replication_slots
       WHERE slot_name = $1
    `,
    [slot],
  );
  await client.query(`SELECT /* pitcrew */ pg_create_physical_replication_slot($1, immediately_reserve => true)`, [
    slot,
  ]);
}

/**
 * Tells a stopped replica whom to follow. The primary's port and password may be new. The password is in a file of its
 * own, because whoever may read all settings may read `primary_conninfo`.
 */
function pointAt(primary: EmbeddedServer, dataDir: string, slot: string): void {
  const url = new URL(primary.url());
  const user = decodeURIComponent(url.username);
  const passfile = join(dataDir, 'pitcrew.pgpass');
  writeFileSync(passfile, `*:*:*:${user}:${url.password}\n`, { mode: 0o600 });
  const { uid, gid } = statSync(dataDir);
  chownSync(passfile, uid, gid);
  const conninfo = Object.entries({
    host: '127.0.0.1',
    port: String(primary.port),
    user,
    passfile,
    application_name: slot,
  })
    .map(([name, value]) => `${name}='${value.replace(/[\\']/g, '\\$&')}'`)
    .join(' ');
  const path = join(dataDir, 'postgresql.auto.conf');
  const others = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line && !/^primary_(conninfo|slot_name)\b/.test(line));
  const lines = [...others, setting('primary_conninfo', conninfo), setting('primary_slot_name', slot)];
  // Written in place: the file keeps its owner and mode.
  writeFileSync(path, `${lines.join('\n')}\n`);
  appendFileSync(join(dataDir, 'standby.signal'), '');
}

async function untilStreaming(primary: EmbeddedServer, slot: string): Promise<boolean> {
  return withClient(primary, async (client) => {
    const sql = `
      SELECT /* pitcrew */ 1
        FROM pg_stat_replication
       WHERE application_name = $1
         AND state = 'streaming'
    `;
    for (const giveUp = Date.now() + STREAMING_WITHIN_MS; Date.now() < giveUp; await delay(50)) {
      if ((await client.query(sql, [slot])).rowCount) return true;
    }
    return false;
  });
}

async function promote(client: pg.Client): Promise<void> {
  const sql = `SELECT /* pitcrew */ pg_promote(wait => true, wait_seconds => 60) AS promoted`;
  const { rows } = await client.query<{ promoted: boolean }>(sql);
  if (!rows[0]?.promoted) throw new PitcrewError('E_EMBEDDED', 'the replica was not promoted within a minute');
}

/** The cluster's number, the first eight bytes of its control file. */
function systemIdentifier(dataDir: string): bigint {
  return readFileSync(join(dataDir, 'global', 'pg_control')).readBigUInt64LE(0);
}

function lastLines(path: string): string {
  return readFileSync(path, 'utf8').trim().split('\n').slice(-12).join('\n');
}

async function withClient<Result>(
  server: EmbeddedServer,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client(server.url());
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
