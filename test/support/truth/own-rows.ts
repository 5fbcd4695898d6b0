import { setTimeout as pause } from 'node:timers/promises';
import { bulkUpdate, bulkUpsert } from '../../../src/client/data/index.ts';
import type { CachingPool } from '../../../src/index.ts';
import type { TruthSettings } from './messages.ts';
import { oneOf, type Random } from './random.ts';

/** Rows that are written by one loop, one after the other. */
const loops = 3;

type Write = (pool: CachingPool, id: number, n: number) => Promise<unknown>;

const ways: readonly Write[] = [
  (pool, id, n) => pool.query('UPDATE counters SET n = $2 WHERE id = $1', [id, n]),
  (pool, id, n) => pool.query(`UPDATE counters SET n = ${n} WHERE id = ${id}`),
  (pool, id, n) =>
    pool.query('INSERT INTO counters VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET n = EXCLUDED.n', [id, n]),
  (pool, id, n) =>
    pool.query('WITH changed AS (UPDATE counters SET n = $2 WHERE id = $1 RETURNING n) SELECT n FROM changed', [id, n]),
  (pool, id, n) => pool.query(`BEGIN; UPDATE counters SET n = ${n} WHERE id = ${id}; COMMIT`),
  (pool, id, n) =>
    pool.transaction(async (client) => {
      await client.query('UPDATE counters SET n = $2 WHERE id = $1', [id, n - 1]);
      await client.query('SAVEPOINT s');
      await client.query('UPDATE counters SET n = $2 WHERE id = $1', [id, -1]);
      await client.query('ROLLBACK TO s');
      await client.query('UPDATE counters SET n = $2 WHERE id = $1', [id, n]);
    }),
  async (pool, id, n) => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('DELETE FROM counters WHERE id = $1', [id]);
      await client.query('INSERT INTO counters VALUES ($1, $2)', [id, n]);
      await client.query('COMMIT');
    } finally {
      client.release();
    }
  },
  async (pool, id, n) => {
    const client = await pool.connect();
    try {
      await client.query('UPDATE counters SET n = $2 WHERE id = $1', [id, n]);
    } finally {
      client.release();
    }
  },
  (pool, id, n) => bulkUpdate(pool, { table: 'counters', rows: [{ id, n }] }),
  (pool, id, n) => bulkUpsert(pool, { table: 'counters', rows: [{ id, n }] }),
];

/** What a function does is not known: for a moment nothing that is kept is given. So it is rare. */
const unknownWay: Write = (pool, id, n) => pool.query('SELECT bump($1, $2)', [id, n]);

const readings = [
  { text: 'SELECT n FROM counters WHERE id = $1', values: (id: number) => [id] },
  { text: 'SELECT n FROM counters WHERE id = $1 AND n >= 0', values: (id: number) => [String(id)] },
  { text: 'SELECT sum(n) AS n FROM counters WHERE id BETWEEN $1 AND $1', values: (id: number) => [id] },
  { text: 'SELECT n FROM counted WHERE id = $1', values: (id: number) => [id] },
  {
    text: 'SELECT max(c.n) AS n FROM counters c JOIN counters d USING (id) WHERE c.id = $1',
    values: (id: number) => [id],
  },
];

/**
 * Writes rows of its own and reads them at once: whoever has written must see it. Others of the process read them all the time, so that
 * what they get is never older than what was given before.
 */
export class OwnRows {
  reads = 0;
  readonly stale: string[] = [];
  readonly backwards: string[] = [];
  readonly #pool: CachingPool;
  readonly #random: Random;
  readonly #settings: TruthSettings;
  readonly #failed: (error: unknown) => void;
  readonly #newest = new Map<number, number>();

  constructor(pool: CachingPool, random: Random, settings: TruthSettings, failed: (error: unknown) => void) {
    this.#pool = pool;
    this.#random = random;
    this.#settings = settings;
    this.#failed = failed;
  }

  loops(isRunning: () => boolean): Promise<void>[] {
    const { ownFrom } = this.#settings;
    return Array.from({ length: loops }, (_, loop) => [
      this.#writes(ownFrom + loop, isRunning),
      this.#watches(ownFrom + loop, isRunning),
    ]).flat();
  }

  async #writes(id: number, isRunning: () => boolean): Promise<void> {
    let n = this.#newest.get(id) ?? 0;
    while (isRunning()) {
      // Kept by somebody, mostly.
      for (let i = this.#random(3); i > 0; i--) await this.#read(id).catch(this.#failed);
      n += 2;
      const way = this.#random(200) === 0 ? unknownWay : oneOf(this.#random, ways);
      try {
        await way(this.#pool, id, n);
      } catch (error) {
        this.#failed(error);
        // Whether it was done is not known, nor whether it will be.
        await pause(50);
        continue;
      }
      const given = await this.#read(id).catch(this.#failed);
      this.reads += 1;
      if (given !== undefined && given.n < n) {
        this.stale.push(`after ${way.toString()} row ${id} was ${given.n} by "${given.text}", not ${n}`);
      }
      await pause(this.#random(5));
    }
  }

  async #watches(id: number, isRunning: () => boolean): Promise<void> {
    while (isRunning()) {
      const before = this.#newest.get(id) ?? 0;
      const given = await this.#read(id).catch(this.#failed);
      if (given && given.n < before) this.backwards.push(`row ${id} was ${given.n} by "${given.text}" after ${before}`);
      await pause(this.#random(5));
    }
  }

  async #read(id: number): Promise<{ n: number; text: string } | undefined> {
    const { text, values } = oneOf(this.#random, readings);
    const result = await this.#pool.query<{ n: string }>(text, values(id));
    const n = Number(result.rows[0]?.n ?? Number.NaN);
    if (Number.isNaN(n)) return undefined;
    this.#newest.set(id, Math.max(n, this.#newest.get(id) ?? 0));
    return { n, text };
  }
}
