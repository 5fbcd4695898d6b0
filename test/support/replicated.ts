import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect } from 'vitest';
import type { EmbeddedServer, ReplicaServer } from '../../src/ops/embedded/index.ts';
import { scratchReplica, type ScratchServer, scratchServer } from './postgres.ts';

export type { EmbeddedServer, ReplicaServer };

/** A primary with two streaming replicas, and a role without any rights but its own. */
export interface Replicated extends AsyncDisposable {
  primary: ScratchServer;
  replicas: readonly [ReplicaServer, ReplicaServer];
  /** User, password and database of the role. */
  app: { user: string; password: string; database: string };
  /** One statement as the superuser. */
  query<Row extends pg.QueryResultRow>(server: EmbeddedServer, text: string): Promise<Row[]>;
}

/** Starts them; all are removed when the scope ends (`await using`). Slots and data directories are `one` and `two`. */
export async function replicatedServers(major = 18): Promise<Replicated> {
  await using stack = new AsyncDisposableStack();
  const primary = stack.use(await scratchServer(major, { wal_keep_size: '64MB' }));
  const app = { user: 'app', password: 'of the app', database: 'postgres' };
  await query(primary, `CREATE ROLE app LOGIN PASSWORD '${app.password}'`);
  await query(primary, 'GRANT ALL ON SCHEMA public TO app');
  const one = stack.use(await scratchReplica(primary, major, 'one'));
  const two = stack.use(await scratchReplica(primary, major, 'two'));
  for (const replica of [one, two]) {
    await query(replica, `ALTER SYSTEM SET wal_retrieve_retry_interval = '100ms'`);
    await query(replica, 'SELECT pg_reload_conf()');
  }
  const owned = stack.move();
  return { primary, replicas: [one, two], app, query, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Waits, looking often, until what a function gives is as said: servers may take their time on a busy machine. */
export function eventually<Found>(get: () => Found): ReturnType<typeof expect.poll<Found>> {
  return expect.poll(get, { timeout: 20_000, interval: 2 });
}

/**
 * Leads a replica to another primary, which it can follow when it has nothing that the other has not; to port 1 to cut
 * it off.
 */
export async function follow(replica: EmbeddedServer, primary: { port: number }): Promise<void> {
  const [found] = await query<{ primary_conninfo: string }>(replica, 'SHOW primary_conninfo');
  const conninfo = (found?.primary_conninfo ?? '').replace(/port='?\d+'?/, `port=${primary.port}`);
  await query(replica, `ALTER SYSTEM SET primary_conninfo = '${conninfo.replaceAll("'", "''")}'`);
  await query(replica, `ALTER SYSTEM SET primary_slot_name = ''`);
  await query(replica, 'SELECT pg_reload_conf()');
}

/** One replica always a little late, the other now and then not at all for a moment. */
export async function lagging(servers: Replicated, signal: AbortSignal): Promise<void> {
  const [late, halting] = servers.replicas;
  await servers.query(late, `ALTER SYSTEM SET recovery_min_apply_delay = '25ms'`);
  await servers.query(late, 'SELECT pg_reload_conf()');
  const client = new pg.Client(halting.url());
  await client.connect();
  while (!signal.aborted) {
    await client.query('SELECT pg_wal_replay_pause()');
    await client.query('SELECT pg_sleep(random() * 0.08)');
    await client.query('SELECT pg_wal_replay_resume()');
    await client.query('SELECT pg_sleep(random() * 0.04)');
  }
  await client.end();
}

/** Stops all processes of a server where they stand, without a word to anyone, until the scope ends (`using`). */
export function frozen(server: EmbeddedServer): Disposable {
  const [first = ''] = readFileSync(join(server.dataDir, 'postmaster.pid'), 'utf8').split('\n');
  const postmaster = Number(first);
  process.kill(postmaster, 'SIGSTOP');
  const children = spawnSync('pgrep', ['-P', String(postmaster)], { encoding: 'utf8' }).stdout.split('\n');
  const pids = [postmaster, ...children.filter(Boolean).map(Number)];
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  return {
    [Symbol.dispose]() {
      for (const pid of pids.toReversed()) process.kill(pid, 'SIGCONT');
    },
  };
}

async function query<Row extends pg.QueryResultRow>(server: EmbeddedServer, text: string): Promise<Row[]> {
  const client = new pg.Client(server.url());
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}
