import pg from 'pg';

/** Texts, but for what our own statements need: the application may have set parsers for its own use. */
const parsers: pg.CustomTypesConfig = {
  getTypeParser: (oid: number) => (value: string) => {
    if (oid === pg.types.builtins.BOOL) return value === 't';
    return oid === pg.types.builtins.INT4 ? Number(value) : value;
  },
};

/** How long the end of the connection may take, in ms, and to have something cancelled before. */
export const GOODBYE_MS = 500;

/**
 * An ordinary connection of the stream's own. A question that takes longer than `timeoutMs` fails.
 * @param lost told once when the connection ends without being asked to.
 */
export async function openClient(
  config: pg.ClientConfig,
  timeoutMs: number,
  lost: (error: Error) => void,
): Promise<pg.Client> {
  const more: object = { binary: false, query_timeout: timeoutMs };
  const client = new pg.Client({
    connectionTimeoutMillis: 10_000,
    ...config,
    pipeline: false,
    types: parsers,
    ...more,
  });
  client.on('error', lost);
  try {
    await client.connect();
  } catch (error) {
    await closeClient(client);
    throw error;
  }
  return client;
}

/** From now on the connection keeps no process alive. */
export function unrefClient(client: pg.Client): void {
  (client as unknown as { unref(): void }).unref();
}

/** Ends a connection, whether the server answers or not. */
export async function closeClient(client: pg.Client): Promise<void> {
  client.removeAllListeners('error');
  client.on('error', () => {});
  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection;
  const late = setTimeout(() => stream.destroy(), GOODBYE_MS);
  await client.end().catch(() => {});
  clearTimeout(late);
}
