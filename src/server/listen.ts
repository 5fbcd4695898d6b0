import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { PitcrewError, messageOf } from '../errors.ts';
import type { Api, Bindings, Logger } from './context.ts';
import { isLoopback } from './request/guard.ts';

export interface ListenOptions {
  host: string;
  /** 0 takes any free one. */
  port: number;
  /** The token that the application asks for; needed beyond loopback. */
  token: string | undefined;
  app: Api;
  logger: Logger;
  /** Other limits than the usual ones, for tests that cannot wait. */
  limits?: Partial<typeof usualLimits>;
}

export interface RunningServer {
  host: string;
  port: number;
  /** Where a browser on this machine finds it. */
  url: string;
  /** Ends event streams, lets running requests finish for two seconds, then closes every connection. */
  close(): Promise<void>;
}

/** A client that sends its request drop by drop is cut off; times in milliseconds. */
const usualLimits = {
  /** From the connection, or the request before, until the headers are there. */
  headersTimeout: 10_000,
  /** Until the whole request is there. */
  requestTimeout: 30_000,
  /** Until the next request on the same connection. */
  keepAliveTimeout: 10_000,
  /** How often the times above are looked at. */
  connectionsCheckingInterval: 5000,
  /** Connections on which nothing moves are ended. Event streams send a heartbeat four times as often. */
  idleTimeout: 60_000,
  /** Bytes; 431 beyond. */
  maxHeaderSize: 16 * 1024,
  /** Connections beyond this number are closed at once. */
  maxConnections: 1000,
};

/** How long running requests may take when the server closes. */
const graceMs = 2000;

/**
 * Listens for HTTP.
 * @throws {PitcrewError} `E_UNSAFE` beyond loopback without a token; `E_LISTEN` when the address cannot be used.
 */
export async function startServer({
  host,
  port,
  token,
  app,
  logger,
  ...options
}: ListenOptions): Promise<RunningServer> {
  refuseExposure(host, token);
  const { idleTimeout, maxConnections, ...limits } = { ...usualLimits, ...options.limits };
  const closing = new AbortController();
  const bindings: Bindings = { closing: closing.signal, heartbeatMs: idleTimeout / 4 };
  const listener = getRequestListener((request, env) => app.fetch(request, { ...(env as Bindings), ...bindings }), {
    overrideGlobalObjects: false,
    hostname: 'localhost',
  });
  const server = createServer(limits, (incoming, outgoing) => void listener(incoming, outgoing));
  server.maxConnections = maxConnections;
  server.setTimeout(idleTimeout);
  await listen(server, host, port);
  server.on('error', (error) => logger.error({ err: error }, 'server error'));
  const address = server.address() as AddressInfo;
  logger.info({ host, port: address.port }, 'listening');
  return {
    host,
    port: address.port,
    url: `http://${browserHost(host)}:${address.port}`,
    close: () => closeServer(server, closing),
  };
}

/**
 * Everyone on the network could read statements and sessions.
 * @throws {PitcrewError} `E_UNSAFE` beyond loopback without a token.
 */
export function refuseExposure(host: string, token: string | undefined): void {
  if (token !== undefined || isLoopback(host)) return;
  throw new PitcrewError('E_UNSAFE', `refusing to listen on ${host} without a token`, {
    detail: 'Everyone who reaches the address could read statements and sessions.',
    hint: 'Set PITCREW_TOKEN (at least 16 characters), or listen on 127.0.0.1.',
  });
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): PitcrewError {
  const hints: Record<string, string> = {
    EADDRINUSE: `Another program listens there, perhaps another Pitcrew. Choose another port with --port, or 0 for any free one.`,
    EACCES: 'Ports below 1024 need special rights; choose another with --port.',
    EADDRNOTAVAIL: 'This machine does not have that address; choose another with --host.',
    ENOTFOUND: 'This name is not known; choose an address with --host.',
    EAI_AGAIN: 'This name cannot be looked up now; choose an address with --host.',
  };
  const facts: Record<string, string> = {
    EADDRINUSE: `port ${port} is in use`,
    EACCES: `no permission for port ${port}`,
  };
  const code = error.code ?? '';
  return new PitcrewError('E_LISTEN', facts[code] ?? `cannot listen on ${host}:${port}`, {
    detail: messageOf(error),
    hint: hints[code],
    cause: error,
  });
}

/** "Every address" is none that a browser can open. */
function browserHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

async function closeServer(server: Server, closing: AbortController): Promise<void> {
  closing.abort();
  const { promise, resolve } = Promise.withResolvers<void>();
  const force = setTimeout(() => server.closeAllConnections(), graceMs);
  // A connection whose last answer has just gone out becomes idle a moment later.
  const idle = setInterval(() => server.closeIdleConnections(), 20);
  server.close(() => resolve());
  await promise;
  clearTimeout(force);
  clearInterval(idle);
}
