import type pg from 'pg';
import { messageOf, PitcrewError } from '../../errors.ts';
import { cancelBackend } from './actions.ts';
import { destroyClient, inTlsOrPlain, makeClient, readBackend } from './client.ts';
import { connectDatabase } from './connect.ts';
import type { Parameter } from './connection.ts';
import { connectionError } from './connection-errors.ts';
import { marked } from './marker.ts';

export interface ChangeOptions {
  /** `postgres://user:password@host:port/database?sslmode=…`, with libpq's meaning of `sslmode`. */
  url: string;
  /** `pitcrew` by default. */
  applicationName?: string;
  /** Until the server has let us in; 5000 by default. */
  connectTimeoutMs?: number;
}

export interface ChangeLimits {
  /** 0: as long as it takes. */
  statementTimeoutMs: number;
  /** How long each single lock is waited for. */
  lockTimeoutMs: number;
  /** Cancels the statement on the server. */
  signal?: AbortSignal | undefined;
}

/** A session that may change the database. Statements run one after the other. */
export interface ChangeSession {
  /** Host, port and database; never user or password. */
  readonly address: string;
  /** The server's process of this session, and when it began: together they name it for good. */
  readonly pid: number;
  readonly startedAt: Date;
  /** False once it was closed or lost; a lost one does not come back. */
  readonly isOpen: boolean;
  /**
   * Runs one statement, outside of any transaction block; names without schema are looked for in `pg_catalog` alone.
   * @throws {PitcrewError} `E_QUERY` with SQLSTATE; `E_ABORTED` when `signal` cancelled it: it has ended then, and changed
   * nothing but what it leaves when it fails; `E_OUTCOME_UNKNOWN` when the connection was lost before the answer came.
   */
  run<Row extends object>(sql: string, params: readonly Parameter[], limits: ChangeLimits): Promise<Row[]>;
  /** Ends the session; what is under way is cancelled first, and advisory locks are free afterwards. Never throws. */
  close(): Promise<void>;
}

/** How often a statement that is to end is cancelled again: the first time may have come before it began. */
const cancelAgainMs = 1000;
/** How long a cancelled statement may take to end before its session is cut. */
const cancelPatienceMs = 30_000;
/** How long the server may take to end a session before the connection is cut. */
const closePatienceMs = 5000;
/** How much longer than statement_timeout we wait for an answer before the peer counts as gone. */
const deadlineGraceMs = 10_000;

/**
 * Connects for changing the database: indexes, settings, maintenance. Where the role's own default is read only, it stays so.
 * @throws {PitcrewError} `E_DATABASE_UNREACHABLE`, `E_DATABASE_REFUSED`, `E_CONFIG` (a URL that cannot be used), `E_UNSUPPORTED` (a
 * server older than PostgreSQL 15; a pooler in between, because settings, locks and CREATE INDEX CONCURRENTLY need a session
 * of their own).
 */
export function connectForChanges(options: ChangeOptions): Promise<ChangeSession> {
  return inTlsOrPlain(options.url, async (url, address) => {
    const client = makeClient(url, options.applicationName ?? 'pitcrew', options.connectTimeoutMs ?? 5000);
    // An error outside of a statement means that the session is lost; the next statement says so.
    client.on('error', () => {});
    try {
      await client.connect();
      return await begin(client, options, address);
    } catch (error) {
      destroyClient(client);
      throw error;
    }
  });
}

async function begin(client: pg.Client, options: ChangeOptions, address: string): Promise<ChangeSession> {
  const { pid, pooled } = await readBackend(client);
  if (pooled) throw pooledError(address);
  await client.query(`
    SELECT /* pitcrew */
           set_config('search_path', 'pg_catalog', false),
           set_config('client_min_messages', 'error', false),
           set_config('DateStyle', 'ISO', false),
           set_config('TimeZone', 'UTC', false)`);
  // When this process dies the server stops what it does for us; not every platform of servers can.
  await client.query(`SET /* pitcrew */ client_connection_check_interval = '2s'`).catch(() => {});
  const { rows } = await client.query<{ startedAt: Date }>(
    `SELECT /* pitcrew */ backend_start AS "startedAt" FROM pg_stat_activity WHERE pid = $1`,
    [pid],
  );
  return createSession(client, { url: options.url, address, pid, startedAt: rows[0]?.startedAt ?? new Date(0) });
}

function pooledError(address: string): PitcrewError {
  return new PitcrewError('E_UNSUPPORTED', `a connection pooler stands between us and ${address}`, {
    detail: 'CREATE INDEX CONCURRENTLY, timeouts and advisory locks need a session of their own.',
    hint: 'Give the address of the server itself rather than that of PgBouncer.',
  });
}

interface Place {
  url: string;
  address: string;
  pid: number;
  startedAt: Date;
}

function createSession(client: pg.Client, place: Place): ChangeSession {
  const { url, address, pid, startedAt } = place;
  const closing = new AbortController();
  let open = true;
  let tail: Promise<unknown> = Promise.resolve();
  client.on('end', () => {
    open = false;
  });

  async function runNow<Row extends object>(
    sql: string,
    params: readonly Parameter[],
    { statementTimeoutMs, lockTimeoutMs, signal }: ChangeLimits,
  ): Promise<Row[]> {
    const stop = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
    if (stop.aborted) throw abortedError();
    if (!open) throw new PitcrewError('E_DATABASE_UNREACHABLE', `the connection to ${address} is lost`);
    await client
      .query({
        text: marked(`SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false)`),
        values: [String(statementTimeoutMs), String(lockTimeoutMs)],
      })
      .catch((error: unknown) => {
        throw connectionError(error, address, 'query');
      });
    if (stop.aborted) throw abortedError();
    // By the extended protocol the server refuses a text of several statements.
    const query = { text: marked(sql), values: [...params], queryMode: 'extended' };
    const running = client.query<Row>(query);
    const ended = running.then(
      () => {},
      () => {},
    );
    let cancelling: Promise<void> | undefined;
    const cancel = () => {
      cancelling ??= cancelUntil(ended, url, pid).catch(() => destroyClient(client));
    };
    stop.addEventListener('abort', cancel, { once: true });
    const deadline =
      statementTimeoutMs > 0
        ? setTimeout(() => destroyClient(client), statementTimeoutMs + deadlineGraceMs)
        : undefined;
    try {
      return (await running).rows;
    } catch (error) {
      throw failure(error, address, stop.aborted);
    } finally {
      clearTimeout(deadline);
      stop.removeEventListener('abort', cancel);
      // A cancel under way would hit the statement that comes next.
      await cancelling;
    }
  }

  return {
    address,
    pid,
    startedAt,
    get isOpen() {
      return open;
    },
    run<Row extends object>(sql: string, params: readonly Parameter[], limits: ChangeLimits) {
      const turn = tail.then(() => runNow<Row>(sql, params, limits));
      tail = turn.catch(() => {});
      return turn;
    },
    async close() {
      closing.abort();
      await tail;
      open = false;
      const timer = setTimeout(() => destroyClient(client), closePatienceMs);
      // A busy server takes its time to end a session. Whoever comes next need not wait for that.
      await client.query('SELECT /* pitcrew */ pg_advisory_unlock_all()').catch(() => {});
      await client.end().catch(() => {});
      clearTimeout(timer);
      destroyClient(client);
    },
  };
}

/** Cancels what a session does, from another one, until it has ended. Throws when it does not end. */
async function cancelUntil(ended: Promise<void>, url: string, pid: number): Promise<void> {
  const over = ended.then(() => 'ended' as const);
  const giveUpAt = Date.now() + cancelPatienceMs;
  let complaint: unknown;
  while (Date.now() < giveUpAt) {
    let timer: NodeJS.Timeout | undefined;
    const pause = new Promise<'again'>((resolve) => {
      timer = setTimeout(() => resolve('again'), cancelAgainMs);
    });
    await cancelOnce(url, pid).catch((error: unknown) => {
      complaint = error;
    });
    const state = await Promise.race([over, pause]);
    clearTimeout(timer);
    if (state === 'ended') return;
  }
  throw new PitcrewError('E_DATABASE_UNREACHABLE', 'the statement could not be cancelled', {
    detail: complaint === undefined ? undefined : messageOf(complaint),
  });
}

async function cancelOnce(url: string, pid: number): Promise<void> {
  const connection = await connectDatabase({ url });
  try {
    await cancelBackend(connection, pid);
  } finally {
    await connection.close();
  }
}

const queryCanceled = '57014';

function abortedError(cause?: unknown): PitcrewError {
  return new PitcrewError('E_ABORTED', 'the statement was cancelled', cause === undefined ? {} : { cause });
}

function failure(thrown: unknown, address: string, aborted: boolean): PitcrewError {
  const error = connectionError(thrown, address, 'query');
  if (aborted && error.sqlState === queryCanceled) return abortedError(thrown);
  if (error.code === 'E_QUERY') return error;
  return new PitcrewError('E_OUTCOME_UNKNOWN', `the connection to ${address} was lost while a change was under way`, {
    detail: error.detail ?? error.message,
    hint: 'Whether the change was made is seen in the database alone.',
    sqlState: error.sqlState,
    cause: thrown,
  });
}
