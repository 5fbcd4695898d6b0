/* oxlint-disable no-underscore-dangle -- these are the driver's own names */
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import driver, { type default as pg } from 'pg';
// @ts-expect-error -- the types of pg do not name this file, which its exports do
import utilities from 'pg/lib/utils.js';

/**
 * What the pool uses of `pg` beyond its types, all of it here: a new version of the driver is checked by the tests beside this
 * file.
 */

/** How `pg` writes a value: text, bytes or null. Throws for what cannot be written (circular objects). */
export const { prepareValue } = utilities as { prepareValue: (value: unknown) => unknown };

interface ClientInternals {
  processID: number | null;
  _queryable: boolean;
  _ending: boolean;
  _activeQuery: unknown;
  readyForQuery?: boolean;
  _types: unknown;
  connection: Wire;
  connectionParameters: { query_timeout: number };
  ref?(): void;
  unref?(): void;
}

/** The part of a connection that statements are written to. */
export interface Wire {
  stream: {
    writable: boolean;
    write(data: Uint8Array): boolean;
    cork(): void;
    uncork(): void;
    destroy(): void;
  };
  parse(message: { name: string; text: string }): void;
  bind(message: { statement: string; values: unknown[] | undefined }): void;
  describe(message: { type: 'P'; name: string }): void;
  close(message: { type: 'S'; name: string }): void;
  sendCopyFail(reason: string): void;
  on(event: 'bindComplete', listener: () => void): void;
  prependListener(event: 'errorMessage', listener: (error: Error) => void): void;
  /** Texts of named statements by their names. */
  parsedStatements: Record<string, string>;
}

const internals = (client: pg.ClientBase): ClientInternals => client as unknown as ClientInternals;

export const wireOf = (client: pg.ClientBase): Wire => internals(client).connection;

/** The process id in the key that the server, or a pooler in its place, gave us. */
export const backendPid = (client: pg.ClientBase): number | null => internals(client).processID;

/** Type parsers of the client, to which the application may have added its own. */
export const typesOf = (client: pg.ClientBase): unknown => internals(client)._types;

/** A statement is under way. */
export const isBusy = (client: pg.ClientBase): boolean => Boolean(internals(client)._activeQuery);

/**
 * Calls back once the server is ready for the next statement, or the connection has ended: of an error one is told before. At
 * once when it is.
 */
export function whenReady(client: pg.ClientBase, then: () => void): void {
  // Native clients have no such field, and are ready when they say that they are done.
  const isReady = !isBusy(client) && internals(client).readyForQuery !== false;
  if (isReady || !isUsable(client)) {
    then();
    return;
  }
  const events = client as unknown as EventEmitter;
  const ready = (): void => {
    for (const event of ['drain', 'end']) events.off(event, ready);
    then();
  };
  for (const event of ['drain', 'end']) events.on(event, ready);
}

/** What is under way is no query of `pg`, but a cursor or stream that ends only when its user is done with it. */
export const isDrivenByOthers = (client: pg.ClientBase): boolean =>
  isBusy(client) && !(internals(client)._activeQuery instanceof driver.Query);

/** Whether statements can still be sent: false after an error of the connection, or once it is being ended. */
export function isUsable(client: pg.ClientBase): boolean {
  const { _queryable, _ending } = internals(client);
  return _queryable !== false && !_ending;
}

/** Lets the process end although the connection is open, or not. */
export function keepAlive(client: pg.ClientBase, keep: boolean): void {
  if (keep) internals(client).ref?.();
  else internals(client).unref?.();
}

/** Lets queries of this client fail after so many milliseconds, as its own configuration would; 0 for no limit. */
export function limitQueries(client: pg.ClientBase, timeoutMs: number): void {
  internals(client).connectionParameters.query_timeout = timeoutMs;
}

/** Told of every error that the server reports, before the statement is that it belongs to. */
export function onServerError(client: pg.ClientBase, listener: (error: Error) => void): void {
  // Native clients have no connection of their own.
  (internals(client) as Partial<ClientInternals>).connection?.prependListener('errorMessage', listener);
}

/** Told when the server has taken the values of the statement at the head, and begins to execute it. */
export function onBound(client: pg.ClientBase, listener: (query: unknown) => void): void {
  internals(client).connection.on('bindComplete', () => listener(internals(client)._activeQuery));
}

/** For named statements that the server does not know any more: the one, or all of them. */
export function forgetPrepared(client: pg.ClientBase, name?: string): void {
  // Native clients keep them elsewhere.
  const { connection } = internals(client) as Partial<ClientInternals>;
  if (!connection) return;
  if (name === undefined) connection.parsedStatements = {};
  else delete connection.parsedStatements[name];
}

/** The socket, with what it has received so far; native clients have none of their own. */
export function peerOf(client: pg.ClientBase): Socket | undefined {
  return (internals(client) as Partial<ClientInternals>).connection?.stream as Socket | undefined;
}

/** The session is inside a transaction, failed or not; native clients do not tell. */
export function isInTransaction(client: pg.ClientBase): boolean {
  const status = client.getTransactionStatus?.();
  return status === 'T' || status === 'E';
}

/** Cuts the connection without a word; for peers that do not answer. */
export function destroy(client: pg.ClientBase): void {
  // Native clients have no stream of their own.
  (internals(client) as Partial<ClientInternals>).connection?.stream.destroy();
}

/** Columns of a result, and how their values are read. */
export interface ResultShape {
  fields: pg.FieldDef[];
  parsers: readonly unknown[];
  emptyRow: unknown;
  types: pg.CustomTypesConfig;
  asArray: boolean;
}

/** A result that is being filled. */
export interface GrowingResult extends pg.QueryResult {
  readonly rowAsArray: boolean;
  _types: pg.CustomTypesConfig;
  /** Nothing where there are no columns. */
  _parsers: readonly unknown[] | undefined;
  _prebuiltEmptyResultObject: unknown;
  addFields(fields: pg.FieldDef[]): void;
  parseRow(values: readonly (string | null)[]): unknown;
  addCommandComplete(message: { text: string }): void;
}

export function shapeOf(result: GrowingResult): ResultShape {
  return {
    fields: result.fields,
    parsers: result._parsers ?? [],
    emptyRow: result._prebuiltEmptyResultObject,
    types: result._types,
    asArray: result.rowAsArray,
  };
}

/** Gives a result its columns without making anew what is the same as before. */
export function takeShape(result: GrowingResult, shape: ResultShape): void {
  if (shape.types !== result._types || shape.asArray !== result.rowAsArray || !readsAsBefore(shape)) {
    result.addFields(shape.fields);
    return;
  }
  result.fields = shape.fields;
  result._parsers = shape.parsers;
  result._prebuiltEmptyResultObject = shape.emptyRow;
}

/** The application may set another parser for a type at any time. */
function readsAsBefore({ fields, parsers, types }: ResultShape): boolean {
  const { getTypeParser } = types;
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] as pg.FieldDef;
    if (getTypeParser.call(types, field.dataTypeID, field.format as 'text') !== parsers[i]) return false;
  }
  return true;
}

/** How long a server may take to let one in where the application sets no limit. */
const longestConnectMs = 30_000;

/**
 * Reads a configuration as `pg` does (connection string, environment, defaults): where to, and with what, so that the same can be
 * used for other hosts.
 */
export function readConnection(config: pg.PoolConfig): {
  host: string;
  port: number;
  config: pg.ClientConfig;
  /** What a query may take; 0 without a limit. */
  queryTimeoutMs: number;
} {
  const client = new driver.Client(config as pg.ClientConfig);
  const { connectionParameters: read } = client as unknown as { connectionParameters: Record<string, unknown> };
  // Time limits of statements are the pool's own matter: the driver's would give the whole connection up.
  const { connectionString: _, host: __, port: ___, query_timeout: ____, ...rest } = config;
  const fromUrl = Object.fromEntries(sessionParameters.map((name) => [name, read[name]]));
  return {
    host: client.host,
    port: client.port,
    // The password may be a function; it is not enumerable, so that it is not logged.
    config: {
      ...rest,
      ...fromUrl,
      password: client.password,
      // A server that accepts and then says nothing must not hold up those who wait for ever.
      connectionTimeoutMillis: config.connectionTimeoutMillis || longestConnectMs,
      // A peer that is gone without a word is noticed while nothing is sent, and firewalls do not forget the connection.
      keepAlive: config.keepAlive ?? true,
      keepAliveInitialDelayMillis: config.keepAliveInitialDelayMillis ?? 10_000,
    },
    queryTimeoutMs: Number(read['query_timeout'] ?? 0),
  };
}

/** The database that a configuration leads to, as `pg` reads it. */
export function databaseOf(config: pg.PoolConfig): string | undefined {
  return new driver.Client(config as pg.ClientConfig).database;
}

/** What a connection string can hold besides where to connect. */
const sessionParameters = [
  'user',
  'database',
  'ssl',
  'sslnegotiation',
  'options',
  'client_encoding',
  'application_name',
  'fallback_application_name',
  'replication',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
] as const;
