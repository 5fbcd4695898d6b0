import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { removeServer, startReplica, startScratchServer } from '../../../src/ops/embedded/index.ts';

const settings: Record<string, string> = {
  fsync: 'off',
  full_page_writes: 'off',
  shared_buffers: '64MB',
  max_connections: '120',
  wal_level: 'logical',
  max_wal_senders: '10',
  wal_keep_size: '64MB',
};

/** Servers of the checker's own, since it breaks connections and stops processes. */
export interface TruthServers extends AsyncDisposable {
  version: string;
  /** `host:port` of all. */
  hosts: readonly string[];
  /** A new empty database, and the URL of a role that owns it and may replicate or not. */
  database(mayReplicate: boolean): Promise<{ url: string; adminUrl: string }>;
}

/** @param standbyMs with a standby that replays everything so much later, and commits wait until it has */
export async function truthServers({ standbyMs }: { standbyMs?: number | undefined } = {}): Promise<TruthServers> {
  await using stack = new AsyncDisposableStack();
  const primary = stack.use(await startScratchServer({ settings }));
  const hosts = [`127.0.0.1:${primary.port}`];
  const run = async (url: string, ...statements: string[]): Promise<pg.QueryResult> => {
    const client = new pg.Client(url);
    await client.connect();
    try {
      let result = await client.query('SELECT');
      for (const statement of statements) result = await client.query(statement);
      return result;
    } finally {
      await client.end();
    }
  };
  await run(
    primary.url(),
    `CREATE ROLE truth_stream LOGIN REPLICATION PASSWORD 'truth'`,
    `CREATE ROLE truth_plain LOGIN PASSWORD 'truth'`,
    'GRANT pg_read_all_stats, pg_signal_backend TO truth_plain',
  );
  if (standbyMs !== undefined) {
    const dataDir = `${primary.dataDir}-standby`;
    const replica = await startReplica(primary, { dataDir, settings, slot: 'standby' });
    stack.defer(async () => {
      await replica.stop('immediate');
      await removeServer(dataDir);
    });
    hosts.push(`127.0.0.1:${replica.port}`);
    await run(replica.url(), `ALTER SYSTEM SET recovery_min_apply_delay = '${standbyMs}ms'`, 'SELECT pg_reload_conf()');
    await run(
      primary.url(),
      `ALTER SYSTEM SET synchronous_standby_names = 'standby'`,
      `ALTER SYSTEM SET synchronous_commit = 'remote_apply'`,
      'SELECT pg_reload_conf()',
    );
  }
  const version = String((await run(primary.url(), 'SHOW server_version')).rows[0]?.server_version);
  const owned = stack.move();
  return {
    version,
    hosts,
    async database(mayReplicate) {
      const name = `truth_${randomBytes(4).toString('hex')}`;
      const role = mayReplicate ? 'truth_stream' : 'truth_plain';
      await run(primary.url(), `CREATE DATABASE ${name} OWNER ${role}`);
      return { url: `postgres://${role}:truth@127.0.0.1:${primary.port}/${name}`, adminUrl: primary.url(name) };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
