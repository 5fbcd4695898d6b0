import pg from 'pg';
import { messageOf, PitcrewError } from '../../../errors.ts';
import { connectionError } from '../connection-errors.ts';
import { quoteIdentifier } from '../identifiers.ts';
import { CopyStatement } from './copy-statement.ts';
import { PAYLOAD_AT, readFrame, statusUpdate } from './frames.ts';
import { lsnOf, lsnText } from './lsn.ts';
import { identityOf, type SystemIdentity } from './system-identity.ts';

export interface LogicalStart {
  slot: string;
  /** From where on; a slot never goes behind what was confirmed. `0n`: from there. */
  from?: bigint;
  publications: readonly string[];
}

export interface LogicalHandlers {
  /**
   * A message of `pgoutput`, which begins at `at`. Called in order; bytes are the reader's only until it returns. When it
   * throws, the stream ends with that.
   */
  message(bytes: Buffer, at: number): void;
  /** The server has read everything before that position, and has sent before this what of it concerns us. */
  reached?(walEnd: bigint): void;
  /** Once: as asked for by `stop`, or with why. */
  ended(error: PitcrewError | undefined): void;
}

/** How often the server is told how far we are, without being asked, in ms. `wal_sender_timeout` is a minute by default. */
const STATUS_EVERY_MS = 10_000;
/**
 * Values are written as texts under these settings, whatever the role or the database has: always alike, and exact. Nor does a time limit
 * for statements end a stream.
 */
const sessionSettings = `
SET DateStyle = 'ISO';
SET IntervalStyle = 'postgres';
SET TimeZone = 'UTC';
SET extra_float_digits = 3;
SET bytea_output = 'hex';
SET statement_timeout = 0
`;

/** How long the end of a stream and of its connection may take. */
const GOODBYE_MS = 1000;

/**
 * A connection that speaks the replication protocol, of one database. For one stream: a server that has ended one does not
 * begin another on the same connection.
 */
export class ReplicationConnection {
  readonly #client: pg.Client;
  readonly #address: string;
  #copy: CopyStatement | undefined;
  #ended: Promise<void> = Promise.resolve();
  #confirmed = 0n;
  #statusTimer: NodeJS.Timeout | undefined;

  private constructor(client: pg.Client) {
    this.#client = client;
    this.#address = `${client.host}:${client.port}/${client.database ?? ''}`;
  }

  /**
   * Connects in replication mode.
   * @throws {PitcrewError} `E_DATABASE_UNREACHABLE`, `E_DATABASE_REFUSED` (without the right to replicate, too).
   */
  static async open(config: pg.ClientConfig): Promise<ReplicationConnection> {
    const { query_timeout: _, pipeline: __, ...rest } = config;
    const mode: object = { replication: 'database', binary: false };
    const client = new pg.Client({ connectionTimeoutMillis: 10_000, keepAlive: true, ...rest, ...mode });
    const connection = new ReplicationConnection(client);
    // What is under way is told of it; between statements there is nobody to tell.
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query(sessionSettings);
    } catch (error) {
      await connection.close();
      throw connectionError(error, connection.#address, 'connect');
    }
    return connection;
  }

  /** The server's process, as it said itself. */
  get processId(): number | null {
    return (this.#client as unknown as { processID: number | null }).processID;
  }

  async identify(): Promise<SystemIdentity> {
    return identityOf(await this.#row('IDENTIFY_SYSTEM'));
  }

  /**
   * Makes a slot for `pgoutput`, which resolves once every transaction that had written something when it was asked for is over.
   * A temporary one is dropped by the server when this connection ends, however it ends.
   * @returns from where on changes are sent.
   */
  async createSlot(name: string, { temporary }: { temporary: boolean }): Promise<bigint> {
    const kind = temporary ? 'TEMPORARY LOGICAL' : 'LOGICAL';
    const row = await this.#row(`CREATE_REPLICATION_SLOT ${quoteIdentifier(name)} ${kind} pgoutput NOEXPORT_SNAPSHOT`);
    return lsnOf(String(row['consistent_point'])) ?? 0n;
  }

  /** Removes a slot that nobody uses. */
  async dropSlot(name: string): Promise<void> {
    await this.#row(`DROP_REPLICATION_SLOT ${quoteIdentifier(name)}`);
  }

  /**
   * Begins to receive. Resolves when the server has begun to send. Up to PostgreSQL 17 the stream ends with an error when a
   * publication does not exist; later servers then send nothing for it.
   */
  async start({ slot, from = 0n, publications }: LogicalStart, handlers: LogicalHandlers): Promise<void> {
    const names = publications.map((name) => quoteIdentifier(name)).join(',');
    const text =
      `START_REPLICATION SLOT ${quoteIdentifier(slot)} LOGICAL ${lsnText(from)} ` +
      `(proto_version '2', publication_names '${names.replaceAll("'", "''")}', messages 'true')`;
    this.#confirmed = from;
    const started = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    this.#ended = ended.promise;
    let failure: unknown;
    const copy = new CopyStatement(text, {
      started: () => started.resolve(),
      received: (bytes) => {
        if (failure !== undefined) return;
        try {
          this.#receive(bytes, handlers);
        } catch (error) {
          failure = error;
          this.#destroy();
        }
      },
      ended: (error) => {
        clearInterval(this.#statusTimer);
        this.#copy = undefined;
        const reason = failure ?? error;
        const told = reason === undefined ? undefined : this.#error(reason);
        started.reject(told ?? this.#error(new Error('the server ended the stream at once')));
        ended.resolve();
        handlers.ended(told);
      },
    });
    // Whoever waits for it is told; when it had begun, this is no more than the end.
    started.promise.catch(() => {});
    this.#copy = copy;
    this.#client.query(copy);
    await started.promise;
    this.#statusTimer = setInterval(() => this.#status(false), STATUS_EVERY_MS).unref();
  }

  /** Everything before that position is done with. The server is told with the next status. */
  confirm(position: bigint): void {
    if (position > this.#confirmed) this.#confirmed = position;
  }

  /** Asks how far the server has read: `reached` is told. */
  ask(): void {
    this.#status(true);
  }

  /** From now on the connection keeps no process alive. */
  unref(): void {
    (this.#client as unknown as { unref(): void }).unref();
  }

  /** Ends the stream in good order, having told what is confirmed. */
  async stop(): Promise<void> {
    const copy = this.#copy;
    if (!copy) return;
    this.#status(false);
    copy.finish();
    const late = setTimeout(() => this.#destroy(), GOODBYE_MS);
    await this.#ended;
    clearTimeout(late);
  }

  /**
   * Ends the stream and the connection, in good order where the server answers: then a temporary slot is gone when this resolves. Takes
   * two seconds at most, never throws.
   */
  async close(): Promise<void> {
    await this.stop();
    clearInterval(this.#statusTimer);
    const late = setTimeout(() => this.#destroy(), GOODBYE_MS);
    await this.#client.end().catch(() => {});
    clearTimeout(late);
  }

  #receive(bytes: Buffer, handlers: LogicalHandlers): void {
    const frame = readFrame(bytes);
    if (frame === 'data') handlers.message(bytes, PAYLOAD_AT);
    else if (frame !== undefined) {
      handlers.reached?.(frame.walEnd);
      if (frame.replyRequested) this.#status(false);
    }
  }

  #status(replyRequested: boolean): void {
    const done = this.#confirmed;
    this.#copy?.send(statusUpdate({ written: done, flushed: done, applied: done }, new Date(), replyRequested));
  }

  async #row(text: string): Promise<Record<string, unknown>> {
    try {
      const { rows } = await this.#client.query<Record<string, unknown>>(text);
      return rows[0] ?? {};
    } catch (error) {
      throw this.#error(error);
    }
  }

  #error(thrown: unknown): PitcrewError {
    if (thrown instanceof Error) return connectionError(thrown, this.#address, 'query');
    return new PitcrewError('E_INTERNAL', 'the reader of a replication stream failed', { detail: messageOf(thrown) });
  }

  #destroy(): void {
    (this.#client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }
}
