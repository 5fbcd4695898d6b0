import pg, { type ClientConfig } from 'pg';
import { libpqUrl, marked } from '../../engine/postgres/index.ts';

/**
 * What all connections to the store have in common. `timeoutMs`: how long one statement may take.
 * @throws {PitcrewError} `E_CONFIG` when the URL's TLS settings cannot be used.
 */
export function connectionConfig(url: string, timeoutMs: number): ClientConfig {
  return {
    connectionString: libpqUrl(url),
    application_name: 'pitcrew store',
    connectionTimeoutMillis: 10_000,
    statement_timeout: timeoutMs,
    // When the server does not even answer that it took too long.
    query_timeout: timeoutMs + 5_000,
    idle_in_transaction_session_timeout: 60_000,
    keepAlive: true,
    // A dead daemon's claims are free after about 10 s even when its machine went down without a word. Compiling the
    // short queries of the dashboard would cost more than it saves.
    options:
      '-c jit=off -c tcp_keepalives_idle=4 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3 -c timezone=UTC',
  };
}

const send = pg.Client.prototype.query as (this: pg.Client, ...input: unknown[]) => unknown;

/**
 * A connection to the store. Its statements carry the mark by which a monitor knows them as Pitcrew's own, for stores on a
 * server that is watched itself.
 */
export class StoreClient extends pg.Client {
  override query = ((text: unknown, ...more: unknown[]) =>
    send.call(this, typeof text === 'string' ? marked(text) : text, ...more)) as pg.Client['query'];
}
