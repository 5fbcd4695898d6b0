import pg from 'pg';
import type { HostAddress } from '../host.ts';
import {
  firstThatWaits,
  fullSql,
  positionSql,
  type ProbeRow,
  readSighting,
  roleSql,
  type Sighting,
  waitedFor,
  waitSql,
} from './probe-sql.ts';

/** What connections to all hosts have in common. */
export type ProbeConfig = Omit<pg.ClientConfig, 'host' | 'port' | 'connectionString'>;

export interface Answer {
  sighting: Sighting;
  /** Round trip of the question, without connecting. */
  tookMs: number;
  pooled: boolean;
  /** Before it answered, the server waited until it had replayed what was wanted, or for as long as it may. */
  waited: boolean;
}

/** The host said nothing for so long that it counts as down. */
export class ProbeTimeout extends Error {
  override readonly name = 'ProbeTimeout';
}

/** The server does not let the role call the functions that tell its positions, or has none (Aurora). */
const withoutPositions = ['42501', '42883', '0A000'];

/** A timer that fires later than this was held up by the application, as was the answer. */
const HELD_UP_MS = 100;

/** All columns as text: the application may have set parsers for its own use. */
const asText: pg.CustomTypesConfig = { getTypeParser: () => (value: string) => value };

/** An option of `pg` that its types do not know. */
const textOnly: object = { binary: false };

/** How long a server may wait until it has replayed what is wanted: other questions come after. */
const WAIT_MS = 100;

/** How long the end of a connection may take in good order. */
const GOODBYE_MS = 500;

/** The one connection over which a host is asked about itself, opened when it is needed. One question at a time. */
export class ProbeConnection {
  readonly #config: pg.ClientConfig;
  readonly #timeoutMs: number;
  readonly #broke: () => void;
  #client: pg.Client | undefined;
  #rightsMissing = false;
  #pooled = true;
  /** It is new enough to wait until it has replayed, and never refused to; `undefined` until it is known. */
  #waits: boolean | undefined;

  /** `broke`: told when the connection ends without being asked to, between questions too. */
  constructor(address: HostAddress, config: ProbeConfig, timeoutMs: number, broke: () => void) {
    const { application_name = 'pitcrew' } = config;
    this.#config = {
      ...config,
      ...address,
      application_name: `${application_name} probe`,
      keepAlive: true,
      keepAliveInitialDelayMillis: 5000,
      pipeline: false,
      ...textOnly,
      connectionTimeoutMillis: 0,
      query_timeout: 0,
    };
    this.#timeoutMs = timeoutMs;
    this.#broke = broke;
  }

  /**
   * Connects if need be, and asks. `full`: all, not just positions. `replayed`: a server that can waits for a moment first, until it
   * has replayed up to there.
   * @throws what `pg` throws, and `ProbeTimeout`; then the connection is closed.
   */
  async ask(full: boolean, replayed?: bigint): Promise<Answer> {
    const given = Promise.withResolvers<never>();
    const limitMs = this.#timeoutMs + (replayed === undefined ? 0 : WAIT_MS);
    const stopClock = clock(limitMs, () => given.reject(new ProbeTimeout(`no answer within ${limitMs} ms`)));
    const asked = this.#ask(full, replayed);
    // When the clock was faster, nobody listens to what becomes of the question.
    asked.catch(() => {});
    try {
      return await Promise.race([asked, given.promise]);
    } catch (error) {
      this.close();
      throw error;
    } finally {
      stopClock();
    }
  }

  /** Cuts the connection. The next question opens another. */
  close(): void {
    const client = this.#client;
    this.#client = undefined;
    client?.removeAllListeners('end');
    client?.connection.stream.destroy();
  }

  /** Ends the connection in good order, or cuts it where that takes too long. */
  async end(): Promise<void> {
    const client = this.#client;
    if (!client) return;
    client.removeAllListeners('end');
    this.#client = undefined;
    // Waited for: nothing else may keep the process alive by now.
    socket(client).ref();
    const late = setTimeout(() => client.connection.stream.destroy(), GOODBYE_MS);
    await client.end();
    clearTimeout(late);
  }

  async #ask(full: boolean, replayed: bigint | undefined): Promise<Answer> {
    const client = this.#client ?? (await this.#connect());
    // Asked for, it is waited for; between questions the connection keeps no process alive.
    socket(client).ref();
    try {
      const waited = replayed !== undefined && this.#waits === true && (await this.#wait(client, replayed));
      const startedAt = performance.now();
      const row = await this.#query(client, full);
      const tookMs = performance.now() - startedAt;
      const sighting = readSighting(row);
      this.#pooled = sighting.pid !== processId(client);
      if (sighting.full) this.#waits ??= !this.#pooled && sighting.full.version >= firstThatWaits;
      return { sighting, tookMs, pooled: this.#pooled, waited };
    } finally {
      socket(client).unref();
    }
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client(this.#config);
    this.#client = client;
    this.#rightsMissing = false;
    // Until it is known that none stands between: a pooler may not keep prepared statements.
    this.#pooled = true;
    this.#waits = undefined;
    client.on('error', () => {});
    client.once('end', () => {
      if (this.#client !== client) return;
      this.#client = undefined;
      this.#broke();
    });
    await client.connect();
    return client;
  }

  /** Whether the server has waited. One that refuses to, for whatever reason, is not told to again. */
  async #wait(client: pg.Client, replayed: bigint): Promise<boolean> {
    try {
      const { rows } = await client.query<{ status: string }>({ text: waitSql(replayed, WAIT_MS), types: asText });
      return waitedFor.includes(rows[0]?.status ?? '');
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error;
      this.#waits = false;
      return false;
    }
  }

  async #query(client: pg.Client, full: boolean): Promise<ProbeRow> {
    try {
      if (!this.#rightsMissing)
        return await this.#row(client, full || this.#pooled ? ['full', fullSql] : ['position', positionSql]);
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || !withoutPositions.includes(error.code ?? '')) throw error;
      this.#rightsMissing = true;
    }
    return this.#row(client, ['role', roleSql]);
  }

  async #row(client: pg.Client, [name, text]: readonly [name: string, text: string]): Promise<ProbeRow> {
    const named = this.#pooled ? {} : { name: `pitcrew probe ${name}` };
    const { rows } = await client.query<Record<string, string | null>>({ ...named, text, types: asText });
    return rows[0] ?? {};
  }
}

/** Has methods of a socket's that the types do not know. */
function socket(client: pg.Client): { ref(): void; unref(): void } {
  return client as unknown as { ref(): void; unref(): void };
}

/** The process that the server named when the connection was made; a pooler makes one up. */
function processId(client: pg.Client): number | null {
  return (client as unknown as { processID: number | null }).processID;
}

/**
 * Calls after a time. When the application has held the process up meanwhile, an answer may lie there unread: then it
 * waits a moment more. @returns what stops it.
 */
function clock(ms: number, expired: () => void): () => void {
  const dueAt = performance.now() + ms;
  let timer = setTimeout(() => {
    if (performance.now() - dueAt < HELD_UP_MS) expired();
    else timer = setTimeout(expired, HELD_UP_MS);
  }, ms);
  return () => clearTimeout(timer);
}
