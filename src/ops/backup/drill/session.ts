import pg from 'pg';
import { marked } from '../../../engine/postgres/index.ts';

/** A session on a scratch server. */
export interface ScratchSession {
  query<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

export interface SessionOptions {
  socket: string;
  role: string;
  database: string;
  major: number;
  signal?: AbortSignal | undefined;
}

/**
 * Opens a session in which nothing of what the source has set for roles and databases is at work: no libraries, no triggers on login, no limits of time.
 * @throws what the driver does
 */
export async function openSession({ socket, role, database, major, signal }: SessionOptions): Promise<ScratchSession> {
  const settings: Record<string, string> = {
    session_preload_libraries: '',
    local_preload_libraries: '',
    default_transaction_read_only: 'off',
    default_transaction_isolation: 'read\\ committed',
    row_security: 'off',
    role: 'none',
    zero_damaged_pages: 'off',
    ignore_checksum_failure: 'off',
    search_path: 'pg_catalog',
    statement_timeout: '0',
    idle_session_timeout: '0',
    lock_timeout: '30s',
    idle_in_transaction_session_timeout: '0',
    client_min_messages: 'error',
    ...(major >= 17 ? { event_triggers: 'off', transaction_timeout: '0' } : {}),
  };
  const client = new pg.Client({
    host: socket,
    port: 5432,
    user: role,
    database,
    ssl: false,
    application_name: 'pitcrew drill',
    options: Object.entries(settings)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
  });
  client.on('error', () => {});
  const stop = (): void => void client.end().catch(() => {});
  await client.connect();
  signal?.addEventListener('abort', stop, { once: true });
  return {
    async query<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []) {
      // So that a text is one statement, whatever is in it.
      const query = { text: marked(sql), values, queryMode: 'extended' };
      return (await client.query<Row>(query)).rows;
    },
    async close() {
      signal?.removeEventListener('abort', stop);
      await client.end().catch(() => {});
    },
  };
}
