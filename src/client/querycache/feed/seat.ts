import { hash } from 'node:crypto';
import pg from 'pg';

/** The right to read the changes of a database for all who share its results; held as long as its connection. */
export interface Seat {
  /** Resolves when the connection has ended, and with it the right. */
  readonly lost: Promise<void>;
  leave(): Promise<void>;
}

/** How long a question may take, in ms. */
const answerMs = 10_000;

/**
 * Takes the seat if nobody has it: an advisory lock, which the server gives up with the connection of whoever dies.
 * @param name of those who share: processes with another one do not get in each other's way
 * @returns `undefined` while another process has it
 * @throws what connecting throws
 */
export async function takeSeat(config: pg.ClientConfig, name: string): Promise<Seat | undefined> {
  const settings: pg.ClientConfig = {
    connectionTimeoutMillis: answerMs,
    keepAlive: true,
    ...config,
    pipeline: false,
    query_timeout: answerMs,
    application_name: 'pitcrew change reader',
  };
  const client = new pg.Client(settings);
  const lost = new Promise<void>((resolve) => {
    client.on('error', () => resolve());
    client.on('end', () => resolve());
  });
  try {
    await client.connect();
    const { rows } = await client.query<{ taken: string }>(
      `SELECT /* pitcrew */ pg_try_advisory_lock($1::int, $2::int)::text AS "taken"`,
      lockOf(name),
    );
    if (rows[0]?.taken === 'true') {
      (client as unknown as { unref(): void }).unref();
      return { lost, leave: () => client.end().catch(() => {}) };
    }
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
  await client.end().catch(() => {});
  return undefined;
}

/** Two numbers of 32 bits, as advisory locks have them; the first is the same for all of ours ("pcqc"). */
function lockOf(name: string): [number, number] {
  return [0x70637163, hash('sha256', name, 'buffer').readInt32BE(0)];
}
