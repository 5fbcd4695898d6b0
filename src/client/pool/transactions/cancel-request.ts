import { isIP, type Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';

/** What of `pg`'s client and connection its types leave out. */
interface CancellableClient {
  readonly host: string;
  readonly port: number;
  readonly processID: number | null;
  readonly secretKey: number | null;
  readonly ssl: boolean | ConnectionOptions;
  readonly sslNegotiation: string;
  readonly connection: { readonly stream: Socket };
}

interface CancelConnection extends Pick<pg.Connection, 'stream' | 'on' | 'once'> {
  connect(portOrPath: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
}

/**
 * Asks the server to stop the statement that this connection runs, over a connection of its own, with TLS where the client
 * has it. Resolves when the server has closed that connection: from then on the request cannot reach a later statement.
 * (The server signals the backend before it closes.) A statement that had not reached the server by then goes on, so whoever must
 * be sure asks again until it has ended. Resolves as well when the request could not be delivered, or
 * not within `graceMs`: whether the statement ends is to be seen at the statement. Never rejects.
 */
export async function cancelRequest(client: pg.ClientBase, graceMs: number): Promise<void> {
  const target = client as unknown as CancellableClient;
  const { processID, secretKey } = target;
  if (processID === null || secretKey === null) return;
  const connection = new pg.Connection({
    ssl: tlsOf(target),
    sslnegotiation: target.sslNegotiation,
    // The option's name inside pg differs from that of the client's.
    sslNegotiation: target.sslNegotiation,
  } as pg.ConnectionConfig) as unknown as CancelConnection;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => connection.stream.destroy(), graceMs);
    const closed = () => {
      clearTimeout(timer);
      resolve();
    };
    connection.once('end', closed);
    connection.on('error', () => connection.stream.destroy());
    connection.on('connect', () => {
      if (!target.ssl) connection.cancel(processID, secretKey);
      else if (target.sslNegotiation !== 'direct') connection.requestSsl();
    });
    connection.on('sslconnect', () => connection.cancel(processID, secretKey));
    if (target.host.startsWith('/')) connection.connect(`${target.host}/.s.PGSQL.${target.port}`);
    // A name may stand for several servers, and only one of them runs the statement.
    else connection.connect(target.port, target.connection.stream.remoteAddress ?? target.host);
  });
}

/** The certificate is checked against the name that the client used, although the request goes to its address. */
function tlsOf({ ssl, host }: CancellableClient): boolean | ConnectionOptions {
  if (!ssl || isIP(host) !== 0) return ssl;
  if (ssl === true) return { servername: host };
  // `key` is not enumerable in pg's client, so that it is not logged.
  return { servername: host, ...ssl, ...(ssl.key === undefined ? {} : { key: ssl.key }) };
}
