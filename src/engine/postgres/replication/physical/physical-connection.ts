import type { PitcrewError } from '../../../../errors.ts';
import { destroyClient, inTlsOrPlain, makeClient, refuseUnsupported } from '../../client.ts';
import { connectionError } from '../../connection-errors.ts';
import { quoteIdentifier } from '../../identifiers.ts';
import { type CopyHandlers, CopyStatement } from '../copy-statement.ts';
import { lsnOf } from '../lsn.ts';
import { identityOf, type SystemIdentity } from '../system-identity.ts';

export interface PhysicalOptions {
  /** `postgres://user:password@host:port/?sslmode=…`; the database in it does not matter. */
  url: string;
  /** `pitcrew backup` by default. A standby's name here would make it count as one. */
  applicationName?: string;
  /** Until the server has let us in; 10,000 by default. */
  connectTimeoutMs?: number;
}

/**
 * A connection that speaks the replication protocol for the whole server: what base backups and write-ahead log come through. One statement
 * at a time.
 */
export interface PhysicalConnection {
  /** Host and port; never user or password. */
  readonly address: string;
  /** The server's version, as in 180001. */
  readonly version: number;
  /** The server's process, as it said itself. */
  readonly processId: number | undefined;
  /** @throws {PitcrewError} as all of these, of the connection and of the server's answers. */
  identify(): Promise<SystemIdentity>;
  /** The value of a setting, as SHOW writes it. */
  show(setting: string): Promise<string>;
  /** Where the timeline came from: the file of that name, as the server has it. */
  timelineHistory(timeline: number): Promise<{ name: string; content: string }>;
  /**
   * Makes a slot that keeps write-ahead log from the last checkpoint on; a temporary one until this connection ends.
   * @returns from where on the log is kept
   */
  createSlot(name: string, options: { temporary: boolean }): Promise<bigint>;
  /** A physical slot; `undefined` when there is none of that name. */
  readSlot(name: string): Promise<SlotPosition | undefined>;
  dropSlot(name: string): Promise<void>;
  /** Runs a statement that copies. `ended` is told once, with the error as ours. */
  copy(text: string, handlers: CopyHandlers & { ended(error: PitcrewError | undefined): void }): CopyStatement;
  /** What the server warns of from now on. */
  onWarning(listener: (text: string) => void): () => void;
  /** Cuts the connection, whatever is under way. */
  destroy(): void;
  /** Ends the connection, in good order where the server answers within a second. Never throws. */
  close(): Promise<void>;
}

/** From where on a slot keeps log; without a position it keeps none: it was never used, or the server has given it up. */
export interface SlotPosition {
  restartLsn: bigint | undefined;
  timeline: number | undefined;
}

const goodbyeMs = 1000;

/**
 * Connects in replication mode.
 * @throws {PitcrewError} `E_CONFIG` (a URL that cannot be used), `E_DATABASE_UNREACHABLE`, `E_DATABASE_REFUSED`: without the right to
 * replicate too; `E_UNSUPPORTED` for servers older than PostgreSQL 15.
 */
export function openPhysical(options: PhysicalOptions): Promise<PhysicalConnection> {
  const { applicationName = 'pitcrew backup', connectTimeoutMs = 10_000 } = options;
  return inTlsOrPlain(options.url, async (url, address) => {
    const client = makeClient(url, applicationName, connectTimeoutMs, {
      replication: 'true',
      // No limit for statements ends a backup.
      options: '-c statement_timeout=0',
    });
    // What is under way is told of it; between statements there is nobody to tell.
    client.on('error', () => {});
    let version = 0;
    const { connection } = client as unknown as {
      connection: { on(event: 'parameterStatus', listener: (message: ParameterStatus) => void): void };
    };
    connection.on('parameterStatus', ({ parameterName, parameterValue }) => {
      if (parameterName === 'server_version') version = versionNumber(parameterValue);
    });
    try {
      await client.connect();
      refuseUnsupported(version, `PostgreSQL ${Math.floor(version / 10_000)}`);
    } catch (error) {
      destroyClient(client);
      throw connectionError(error, address, 'connect');
    }
    return wrap(client, address, version);
  });
}

interface ParameterStatus {
  parameterName: string;
  parameterValue: string;
}

/** `17.2 (Debian …)` and `19beta1` as 170002 and 190000. */
function versionNumber(text: string): number {
  const [, major, minor] = /^(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  return Number(major ?? 0) * 10_000 + Number(minor ?? 0);
}

function wrap(client: ReturnType<typeof makeClient>, address: string, version: number): PhysicalConnection {
  async function row(text: string): Promise<Record<string, unknown>> {
    try {
      const { rows } = await client.query<Record<string, unknown>>(text);
      return rows[0] ?? {};
    } catch (error) {
      throw connectionError(error, address, 'query');
    }
  }
  return {
    address,
    version,
    processId: (client as unknown as { processID: number | null }).processID ?? undefined,
    async identify() {
      return identityOf(await row('IDENTIFY_SYSTEM'));
    },
    async show(setting) {
      return String(Object.values(await row(`SHOW ${quoteIdentifier(setting)}`))[0]);
    },
    async timelineHistory(timeline) {
      const { filename, content } = await row(`TIMELINE_HISTORY ${timeline}`);
      return { name: String(filename), content: Buffer.isBuffer(content) ? content.toString() : String(content) };
    },
    async createSlot(name, { temporary }) {
      const kind = temporary ? 'TEMPORARY PHYSICAL' : 'PHYSICAL';
      const answer = await row(`CREATE_REPLICATION_SLOT ${quoteIdentifier(name)} ${kind} (RESERVE_WAL)`);
      // Told as 0/0 for physical slots; the log is kept from the redo position of the last checkpoint on.
      return lsnOf(String(answer['consistent_point'])) ?? 0n;
    },
    async readSlot(name) {
      const answer = await row(`READ_REPLICATION_SLOT ${quoteIdentifier(name)}`);
      if (answer['slot_type'] === null || answer['slot_type'] === undefined) return undefined;
      const timeline = answer['restart_tli'];
      return {
        restartLsn: lsnOf(String(answer['restart_lsn'])),
        timeline: timeline === null ? undefined : Number(timeline),
      };
    },
    async dropSlot(name) {
      await row(`DROP_REPLICATION_SLOT ${quoteIdentifier(name)}`);
    },
    copy(text, handlers) {
      const statement = new CopyStatement(text, {
        ...handlers,
        ended: (error) => handlers.ended(error && connectionError(error, address, 'query')),
      });
      client.query(statement);
      return statement;
    },
    onWarning(listener) {
      const heard = ({ severity, message }: { severity?: string | undefined; message?: string | undefined }): void => {
        if (severity === 'WARNING' && message !== undefined) listener(message);
      };
      client.on('notice', heard);
      return () => client.removeListener('notice', heard);
    },
    destroy: () => destroyClient(client),
    async close() {
      const late = setTimeout(() => destroyClient(client), goodbyeMs);
      await client.end().catch(() => {});
      clearTimeout(late);
    },
  };
}
