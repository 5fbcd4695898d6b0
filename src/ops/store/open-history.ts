import pg from 'pg';
import { connectionConfig, StoreClient } from './connection.ts';
import { storeError } from './failures.ts';
import { createHistory } from './history/index.ts';
import type { History } from './types.ts';

const readTimeoutMs = 60_000;

/** What a store knows of one target, for reading alone. */
export interface OpenHistory extends AsyncDisposable {
  history: History;
  /** `undefined` when the store knows no target of that name. */
  targetId: number | undefined;
}

/**
 * Opens a store that a daemon keeps, as it is: nothing is made, upgraded or written.
 * @throws {PitcrewError} `E_STORE_UNAVAILABLE` when it cannot be reached or is none.
 */
export async function openHistory(url: string, target: string): Promise<OpenHistory> {
  const pool = new pg.Pool({ ...connectionConfig(url, readTimeoutMs), Client: StoreClient, max: 1 });
  // The next query tells.
  pool.on('error', () => undefined);
  try {
    const { rows } = await pool.query<{ id: number }>('SELECT id FROM pitcrew.target WHERE name = $1', [target]);
    return {
      history: createHistory(pool),
      targetId: rows[0]?.id,
      [Symbol.asyncDispose]: () => pool.end(),
    };
  } catch (error) {
    await pool.end();
    throw storeError(error, 'the history cannot be read');
  }
}
