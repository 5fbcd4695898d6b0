import pg from 'pg';
import { testDatabase, type TestDatabase } from './postgres.ts';

/** A database with accounts `a` and `b` of 100 each, and a plain `pg.Pool` on it (or on `url`, say a proxy's). */
export interface Ledger extends AsyncDisposable {
  database: TestDatabase;
  pool: pg.Pool;
  acquire: () => Promise<pg.PoolClient>;
  /** What is committed, as `{ a: 100, b: 100 }`. */
  balances(): Promise<Record<string, number>>;
  /** Ends the backend with this process id and waits until it is gone. */
  kill(pid: number): Promise<void>;
  /** Resolves when a backend waits as described: `Lock`, `Timeout` (pg_sleep), `Client` … */
  waiting(event: string): Promise<void>;
}

export async function ledger(
  options: { major?: number; url?: (url: string) => string; config?: pg.PoolConfig } = {},
): Promise<Ledger> {
  const database = await testDatabase(options.major ?? 18);
  await database.query('CREATE TABLE account (name text PRIMARY KEY, balance int NOT NULL CHECK (balance >= 0))');
  await database.query("INSERT INTO account VALUES ('a', 100), ('b', 100)");
  const connectionString = options.url?.(database.url) ?? database.url;
  const pool = new pg.Pool({ connectionString, max: 4, ...options.config });
  // A killed backend is part of what is tried.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  const until = async (text: string, value: unknown) => {
    while ((await database.query(text, [value])).length === 0);
  };
  return {
    database,
    pool,
    acquire: () => pool.connect(),
    async balances() {
      const rows = await database.query<{ name: string; balance: number }>('SELECT * FROM account ORDER BY name');
      return Object.fromEntries(rows.map(({ name, balance }) => [name, balance]));
    },
    async kill(pid) {
      await database.query('SELECT pg_terminate_backend($1, 10000)', [pid]);
    },
    waiting: (event) =>
      until(
        'SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND $1 IN (wait_event_type, wait_event)',
        event,
      ),
    async [Symbol.asyncDispose]() {
      const ended = pool.end().then(() => true);
      const left = new Promise<boolean>((resolve) => setTimeout(resolve, 5000, false).unref());
      const released = await Promise.race([ended, left]);
      await database[Symbol.asyncDispose]();
      if (!released) throw new Error('the test has not released all clients');
    },
  };
}
