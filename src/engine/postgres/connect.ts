import type pg from 'pg';
import { PitcrewError } from '../../errors.ts';
import type { DatabaseConnection, Parameter, Transaction, TransactionLimits } from './connection.ts';
import { connectionError } from './connection-errors.ts';
import { destroyClient, inTlsOrPlain, makeClient, queryInParts, readBackend } from './client.ts';
import { marked } from './marker.ts';

export interface ConnectOptions {
  /** `postgres://user:password@host:port/database?sslmode=…`, with libpq's meaning of `sslmode`. */
  url: string;
  /** `pitcrew` by default. */
  applicationName?: string;
  /** statement_timeout of every statement; 5000 by default. */
  statementTimeoutMs?: number;
  /** lock_timeout of every statement; 100 by default. */
  lockTimeoutMs?: number;
  /** Until the server has let us in; 5000 by default. */
  connectTimeoutMs?: number;
}

/** So many rows come at once, so that this process has time for others between them. */
const rowsAtOnce = 1000;

/** How much longer than statement_timeout we wait for an answer before the peer counts as gone. */
const deadlineGraceMs = 3000;

/**
 * Connects for reading catalogs. Throws `E_DATABASE_UNREACHABLE`, `E_DATABASE_REFUSED` or `E_CONFIG` (a URL that cannot be
 * used).
 */
export function connectDatabase(options: ConnectOptions): Promise<DatabaseConnection> {
  return inTlsOrPlain(options.url, (url, address) => open(url, address, options));
}

async function open(url: string, address: string, options: ConnectOptions): Promise<DatabaseConnection> {
  const connectTimeoutMs = options.connectTimeoutMs ?? 5000;
  const client = makeClient(url, options.applicationName ?? 'pitcrew', connectTimeoutMs);
  const connection = new PgConnection(client, address, options);
  try {
    await client.connect();
    await connection.begin(connectTimeoutMs);
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

class PgConnection implements DatabaseConnection {
  readonly address: string;
  readonly #client: pg.Client;
  readonly #settings: Record<string, string>;
  readonly #deadlineMs: number;
  /** Statements are named by text; catalog statements are few. */
  readonly #names = new Map<string, { name: string; text: string }>();
  #pooled = false;
  #open = true;
  #answeringMs = 0;
  /** The quickest answer so far: the way there and back. */
  #roundTripMs = Infinity;
  /** Statements follow each other: `pg` wants one at a time. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(client: pg.Client, address: string, options: ConnectOptions) {
    this.#client = client;
    this.address = address;
    const statementTimeoutMs = options.statementTimeoutMs ?? 5000;
    this.#settings = sessionSettings(statementTimeoutMs, options.lockTimeoutMs ?? 100);
    this.#deadlineMs = statementTimeoutMs + deadlineGraceMs;
    // An error outside of a statement means that the session is lost; the next statement says so.
    client.on('error', () => this.#destroy());
    client.on('end', () => {
      this.#open = false;
    });
  }

  get user(): string {
    return this.#client.user ?? '';
  }

  get pooled(): boolean {
    return this.#pooled;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  get answeringMs(): number {
    return this.#answeringMs;
  }

  /**
   * Finds out whether we speak to the server itself, then sets up the session. Settings made through a pooler would stay
   * with a backend that others use.
   */
  async begin(deadlineMs: number): Promise<void> {
    this.#pooled = (await this.#exclusive(deadlineMs, () => readBackend(this.#client))).pooled;
    if (!this.#pooled) await this.#exclusive(deadlineMs, () => this.#apply(this.#settings, false));
  }

  run<Row extends object>(sql: string, params: readonly Parameter[] = []): Promise<Row[]> {
    return this.#exclusive(this.#deadlineMs, () =>
      this.#pooled
        ? this.#inTransaction({}, 'COMMIT', () => this.#execute<Row>(sql, params))
        : this.#execute<Row>(sql, params),
    );
  }

  runPlanned<Row extends object>(sql: string, params: readonly Parameter[] = []): Promise<Row[]> {
    return this.#exclusive(this.#deadlineMs, () =>
      this.#inTransaction({ plan_cache_mode: 'force_custom_plan' }, 'COMMIT', () => this.#execute<Row>(sql, params)),
    );
  }

  rolledBack<Result>(limits: TransactionLimits, work: (transaction: Transaction) => Promise<Result>): Promise<Result> {
    const settings = {
      statement_timeout: String(limits.statementTimeoutMs),
      lock_timeout: String(limits.lockTimeoutMs),
    };
    const transaction: Transaction = {
      execute: (sql, params = []) => this.#extended(sql, params),
      simple: async <Row extends object>(sql: string) => (await this.#client.query(sql)).rows as Row[],
    };
    return this.#exclusive(limits.statementTimeoutMs * 2 + deadlineGraceMs, () =>
      this.#inTransaction(settings, 'ROLLBACK', () => work(transaction)),
    );
  }

  async close(): Promise<void> {
    this.#open = false;
    const timer = setTimeout(() => this.#destroy(), 1000);
    await this.#client.end().catch(() => {});
    clearTimeout(timer);
    this.#destroy();
  }

  /** Reading ends with COMMIT: the server counts rolled back transactions, and ours are no sign of trouble. */
  async #inTransaction<Result>(
    settings: Record<string, string>,
    end: 'COMMIT' | 'ROLLBACK',
    work: () => Promise<Result>,
  ): Promise<Result> {
    await this.#client.query('BEGIN /* pitcrew */ READ ONLY');
    let result: Result;
    try {
      const all = this.#pooled ? { ...this.#settings, ...settings } : settings;
      await this.#apply(all, true);
      result = await work();
    } catch (error) {
      // When the session is lost as well, why it was lost is what must be told.
      if (this.#open) await this.#client.query('ROLLBACK /* pitcrew */').catch(() => {});
      throw error;
    }
    await this.#client.query(`${end} /* pitcrew */`);
    return result;
  }

  async #apply(settings: Record<string, string>, local: boolean): Promise<void> {
    const entries = Object.entries(settings);
    const calls = entries.map((_, index) => `set_config($${index * 2 + 1}, $${index * 2 + 2}, ${local})`);
    await this.#extended(marked(`SELECT ${calls.join(', ')}`), entries.flat());
  }

  /** Prepared where the session is ours. */
  async #execute<Row extends object>(sql: string, params: readonly Parameter[]): Promise<Row[]> {
    if (this.#pooled) return this.#extended<Row>(marked(sql), params);
    let prepared = this.#names.get(sql);
    if (!prepared) {
      prepared = { name: `pitcrew_${this.#names.size + 1}`, text: marked(sql) };
      this.#names.set(sql, prepared);
    }
    return this.#timed<Row>({ ...prepared, values: [...params] });
  }

  /** The extended protocol, unnamed: the server refuses a text with several statements. */
  async #extended<Row extends object>(text: string, params: readonly Parameter[]): Promise<Row[]> {
    const query = { text, values: [...params], queryMode: 'extended' };
    return this.#timed<Row>(query);
  }

  async #timed<Row extends object>(query: pg.QueryConfig): Promise<Row[]> {
    const began = performance.now();
    const { rows } = await queryInParts<Row>(this.#client, query, rowsAtOnce);
    const tookMs = performance.now() - began;
    this.#roundTripMs = Math.min(this.#roundTripMs, tookMs);
    this.#answeringMs += tookMs - this.#roundTripMs;
    return rows;
  }

  /** Runs after what is under way; when it takes longer than the deadline, the session is given up. */
  #exclusive<Result>(deadlineMs: number, work: () => Promise<Result>): Promise<Result> {
    const turn = this.#tail.then(async () => {
      if (!this.#open) throw new PitcrewError('E_DATABASE_UNREACHABLE', `the connection to ${this.address} is lost`);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          this.#destroy();
          reject(
            new PitcrewError('E_DATABASE_UNREACHABLE', `${this.address} does not answer`, {
              detail: `No answer within ${deadlineMs} ms, although statement_timeout is shorter.`,
              hint: 'Check the network between, and whether the server is frozen or out of I/O.',
            }),
          );
        }, deadlineMs);
      });
      try {
        return await Promise.race([work(), late]);
      } catch (error) {
        throw connectionError(error, this.address, 'query');
      } finally {
        clearTimeout(timer);
      }
    });
    this.#tail = turn.catch(() => {});
    return turn;
  }

  #destroy(): void {
    this.#open = false;
    destroyClient(this.#client);
  }
}

/**
 * Read only, because nothing here writes tables: cancelling, terminating, resetting statistics and EXPLAIN all work in a
 * read-only transaction, and a mistake cannot change data. `search_path` is `pg_catalog` alone, so that nobody's function
 * or operator is called in place of the system's. One generic plan per statement, so that planning is paid once. Room enough in
 * `work_mem` that statistics of many statements or tables never go to a temporary file.
 */
function sessionSettings(statementTimeoutMs: number, lockTimeoutMs: number): Record<string, string> {
  return {
    statement_timeout: String(statementTimeoutMs),
    lock_timeout: String(lockTimeoutMs),
    idle_in_transaction_session_timeout: '30000',
    default_transaction_read_only: 'on',
    search_path: 'pg_catalog',
    plan_cache_mode: 'force_generic_plan',
    max_parallel_workers_per_gather: '0',
    jit: 'off',
    work_mem: '64MB',
    client_min_messages: 'error',
    DateStyle: 'ISO',
    TimeZone: 'UTC',
  };
}
