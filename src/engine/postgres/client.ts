import pg from 'pg';
import { PitcrewError } from '../../errors.ts';
import { connectionError } from './connection-errors.ts';
import { addressOf, libpqUrl, mayFallBackToPlain, withoutTls } from './connection-url.ts';
import { marked } from './marker.ts';
import { valueParsers } from './value-parsers.ts';

/** A client of the driver, not connected yet; `more`: settings of the driver's. Throws `E_CONFIG` when the URL cannot be used. */
export function makeClient(
  url: string,
  applicationName: string,
  connectTimeoutMs: number,
  more: object = {},
): pg.Client {
  try {
    return new pg.Client({
      connectionString: url,
      application_name: applicationName,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      types: valueParsers,
      ...more,
    });
  } catch (error) {
    // Not as the cause: an invalid URL's error carries the URL, and with it the password.
    throw new PitcrewError('E_CONFIG', 'the database URL cannot be used', {
      detail: error instanceof Error ? error.message : undefined,
      hint: 'A URL such as postgres://user:password@host:5432/database is expected; encode special characters of the password.',
    });
  }
}

/**
 * Opens by a URL with libpq's meaning of `sslmode`: where that allows it and the server has no TLS, a second time without.
 * `open` is given the URL for the driver and the address that may be shown.
 */
export async function inTlsOrPlain<Result>(
  url: string,
  open: (url: string, address: string) => Promise<Result>,
): Promise<Result> {
  const address = addressOf(url);
  const driverUrl = libpqUrl(url);
  try {
    return await open(driverUrl, address);
  } catch (error) {
    const refused = connectionError(error, address, 'connect');
    if (!mayFallBackToPlain(url) || !refused.message.includes('does not offer TLS')) throw refused;
  }
  try {
    return await open(withoutTls(driverUrl), address);
  } catch (error) {
    throw connectionError(error, address, 'connect');
  }
}

export interface Backend {
  pid: number;
  /** A pooler such as PgBouncer stands between. */
  pooled: boolean;
}

/**
 * Who answers us. A pooler gives out session keys of its own, so the pid in ours is not the backend's. Throws
 * `E_UNSUPPORTED` for servers older than PostgreSQL 15.
 */
export async function readBackend(client: pg.Client): Promise<Backend> {
  const { rows } = await client.query<{ pid: number; version: string; number: number }>(
    marked(
      `SELECT pg_backend_pid() AS "pid", version() AS "version", current_setting('server_version_num')::int4 AS "number"`,
    ),
  );
  const [backend] = rows;
  if (!backend) throw new PitcrewError('E_DATABASE_REFUSED', 'the server does not tell what it is');
  refuseUnsupported(backend.number, backend.version);
  const key = (client as unknown as { processID: number | null }).processID;
  return { pid: backend.pid, pooled: backend.pid !== key };
}

/** @throws {PitcrewError} `E_UNSUPPORTED` for a version before 15; `versionText` is shown */
export function refuseUnsupported(versionNumber: number, versionText: string): void {
  if (versionNumber >= 150_000) return;
  throw new PitcrewError('E_UNSUPPORTED', 'PostgreSQL 15 or newer is needed', {
    detail: `The server is ${versionText}.`,
    hint: 'Upgrade the server; PostgreSQL 14 and older are at the end of their support.',
  });
}

/**
 * Runs one statement by the extended protocol and fetches so many rows at a time, each part when the one before was read. A large
 * answer that comes all at once is parsed without a pause, which stops everything else in this process.
 */
export async function queryInParts<Row extends object>(
  client: pg.Client,
  query: pg.QueryConfig,
  rowsAtOnce: number,
): Promise<pg.QueryResult<Row>> {
  const parted: pg.QueryConfig & { rows: number } = { ...query, rows: rowsAtOnce };
  try {
    return await client.query<Row>(parted);
  } catch (error) {
    // The driver ends a statement in parts when it is complete, and forgets to where it fails.
    if (error instanceof pg.DatabaseError) (client as unknown as { connection: { sync(): void } }).connection.sync();
    throw error;
  }
}

/** Cuts the connection, whatever it waits for. */
export function destroyClient(client: pg.Client): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}
