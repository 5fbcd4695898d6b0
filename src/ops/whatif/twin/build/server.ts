import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { quoteIdentifier } from '../../../../engine/postgres/index.ts';
import { type EmbeddedServer, startServer, throwawayServer } from '../../../embedded/index.ts';
import type { Gaps } from '../gaps.ts';
import type { SourceLocale } from '../source/settings.ts';
import { localeChoices } from './locale.ts';

/** The embedded server with the twin's database, and the two sessions that work on it. */
export interface TwinServer {
  server: EmbeddedServer;
  /** Superuser: only what nobody else may do, and never anything that runs code of the watched database. */
  admin: pg.Client;
  /** Owns the twin; builds and plans. Functions of the watched database run with its rights, which are none outside the twin. */
  owner: pg.Client;
  close(): Promise<void>;
}

const owner = 'pitcrew_twin';

/**
 * Nothing on the twin may change statistics by itself. Locks: a table with ten thousand partitions is locked whole when it is
 * planned.
 */
const settings = {
  ...throwawayServer,
  autovacuum: 'off',
  shared_buffers: '16MB',
  max_connections: '10',
  max_locks_per_transaction: '4096',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '1GB',
  checkpoint_timeout: '1d',
  allow_system_table_mods: 'on',
  track_counts: 'off',
  track_activities: 'off',
  bgwriter_lru_maxpages: '0',
  max_parallel_workers: '0',
  max_files_per_process: '20000',
  jit_provider: 'llvmjit',
};

/**
 * Starts the server and makes an empty database of the source's name and locale. What an earlier twin left in `dataDir` goes.
 * @throws {PitcrewError} as `startServer`.
 */
export async function startTwinServer(
  dataDir: string,
  database: string,
  locale: SourceLocale | undefined,
  gaps: Gaps,
): Promise<TwinServer> {
  const server = await startServer({ dataDir, settings, fromTemplate: true });
  const sessions: pg.Client[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(sessions.map((session) => session.end().catch(() => {})));
    await server.stop('immediate');
  };
  try {
    const password = randomBytes(24).toString('hex');
    await prepare(server, database, password, locale, gaps);
    const admin = await open(server.url(database), sessions);
    const url = new URL(server.url(database));
    url.username = owner;
    url.password = password;
    return { server, admin, owner: await open(url.href, sessions), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function prepare(
  server: EmbeddedServer,
  database: string,
  password: string,
  locale: SourceLocale | undefined,
  gaps: Gaps,
): Promise<void> {
  const maintenance = await open(server.url('template1'), []);
  try {
    const { rows } = await maintenance.query<{ name: string }>(`
      SELECT datname AS name FROM pg_database WHERE NOT datistemplate
    `);
    for (const { name } of rows) await maintenance.query(`DROP DATABASE ${quoteIdentifier(name)} WITH (FORCE)`);
    await maintenance.query(`DROP ROLE IF EXISTS ${owner}`);
    // The password is ours: hexadecimal digits.
    await maintenance.query(`CREATE ROLE ${owner} LOGIN BYPASSRLS PASSWORD '${password}'`);
    // What goes wrong is told to the session, and may quote values of data: the log would keep them in a file.
    await maintenance.query(`ALTER ROLE ${owner} SET log_min_messages = 'panic'`);
    for (const { sql, differs } of localeChoices(locale)) {
      try {
        await maintenance.query(
          `CREATE DATABASE ${quoteIdentifier(database)} OWNER ${owner} TEMPLATE template0 ENCODING 'UTF8' ${sql}`,
        );
        if (differs !== null) gaps.add(`collation ${locale?.locale}`, differs);
        return;
      } catch (error) {
        if (!(error instanceof pg.DatabaseError)) throw error;
      }
    }
    await maintenance.query(`CREATE DATABASE ${quoteIdentifier(database)} OWNER ${owner} TEMPLATE template0`);
  } finally {
    await maintenance.end();
  }
}

async function open(url: string, sessions: pg.Client[]): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'pitcrew twin' });
  // A session that is lost says so at its next statement.
  client.on('error', () => {});
  await client.connect();
  sessions.push(client);
  await client.query(`
    SELECT set_config('search_path', 'pg_catalog', false),
           set_config('client_min_messages', 'error', false),
           set_config('check_function_bodies', 'off', false)
  `);
  return client;
}
