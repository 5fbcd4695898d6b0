import pg from 'pg';
import type { EmbeddedServer } from '../../../src/ops/embedded/index.ts';
import type { HypotheticalIndex, IndexKey } from '../../../src/ops/whatif/index.ts';

/** A statement of a workload. */
export interface WorkloadQuery {
  id: string;
  text: string;
  /** Typical values of its placeholders, the most frequent first. */
  samples?: readonly (readonly (string | null)[])[];
  /** How often it runs, beside the others; 1 by default. */
  weight?: number;
}

/** A database of our own with the statements that are asked of it. */
export interface WorkloadSchema {
  name: string;
  /**
   * Makes a database of that name with it: the same rows each time, keys, statistics. At scale 1 it is about 1 GB; tests take 0.01.
   */
  make(server: EmbeddedServer, database: string, scale: number): Promise<void>;
  queries: readonly WorkloadQuery[];
  /** Indexes that might be thought of, good ones and others: of all kinds, on many values and on few. */
  indexes: readonly HypotheticalIndex[];
}

/** An index of `public`. */
export function indexOn(
  table: string,
  keys: readonly (string | IndexKey)[],
  more: Partial<Pick<HypotheticalIndex, 'method' | 'include' | 'where'>> = {},
): HypotheticalIndex {
  const named = keys.map((key): IndexKey => (typeof key === 'string' ? { expression: key } : key));
  const words = [
    table,
    ...named.flatMap(({ expression, operatorClass, descending }) => [expression, operatorClass, descending && 'desc']),
    more.method,
    more.where && 'partial',
    more.include && 'covering',
  ];
  const id = `ix ${words.filter(Boolean).join(' ')}`.replaceAll(/\W+/g, '_').slice(0, 60);
  return { schema: 'public', table, method: 'btree', include: [], ...more, id, keys: named };
}

/** Makes a database and fills it in one session. */
export function filledBy(fill: (client: pg.Client, scale: number) => Promise<void>): WorkloadSchema['make'] {
  return async (server, database, scale) => {
    await inSession(server.url(), (client) => client.query(`CREATE DATABASE ${database}`));
    await inSession(server.url(database), async (client) => {
      await runAll(client, [`SET work_mem = '64MB'`, `SET maintenance_work_mem = '256MB'`, 'SET jit = off']);
      await fill(client, scale);
    });
  };
}

export async function inSession<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client(url);
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Runs statements one after the other. */
export async function runAll(client: pg.Client, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await client.query(statement);
}
