import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Pool } from '../../src/client/pool/index.ts';
import { scratchServer } from '../support/postgres.ts';

/** Writers and readers at work, and what became of each statement. */
class Load {
  readonly written = new Set<number>();
  readonly unknown = new Set<number>();
  readonly reads = { served: 0 };
  readonly failures: string[] = [];
  readonly #pool: Pool;
  readonly #done: Promise<unknown>;
  #next = 0;
  #stopped = false;

  constructor(pool: Pool) {
    this.#pool = pool;
    this.#done = Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? this.#write() : this.#read())));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #write(): Promise<void> {
    while (!this.#stopped) {
      const id = (this.#next += 1);
      try {
        await this.#pool.query('INSERT INTO ledger VALUES ($1)', [id]);
        this.written.add(id);
      } catch (error) {
        const { code } = error as { code?: string };
        if (code === 'E_OUTCOME_UNKNOWN') this.unknown.add(id);
        else this.failures.push(`${code} ${String(error)}`);
        await turn();
      }
    }
  }

  async #read(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#pool.query('SELECT count(*) FROM ledger WHERE id = $1', [1]);
        this.reads.served += 1;
      } catch (error) {
        this.failures.push(`${(error as { code?: string }).code} ${String(error)}`);
        await turn();
      }
    }
  }
}

test.each(['fast', 'crash'] as const)(
  '%s restart under load: reads are served, writes are known or said not to be',
  async (how) => {
    await using server = await scratchServer(18, { synchronous_commit: 'on', restart_after_crash: 'on' });
    await using pool = new Pool({
      connectionString: server.url(),
      max: 10,
      failoverTimeoutMillis: 20_000,
      connectionTimeoutMillis: 20_000,
    });
    pool.on('error', () => {});
    await pool.query('CREATE TABLE ledger (id int NOT NULL)');
    const load = new Load(pool);
    for (let round = 1; round <= 2; round++) {
      const before = load.written.size;
      await expect.poll(() => load.written.size, { timeout: 20_000 }).toBeGreaterThan(before + 500);
      if (how === 'fast') {
        await server.whileStopped(async () => {});
      } else {
        // One process that dies takes all others with it: the server recovers, and refuses everybody meanwhile (57P03).
        const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        process.kill(rows[0]?.pid ?? 0, 'SIGKILL');
      }
    }
    const before = load.written.size;
    await expect.poll(() => load.written.size, { timeout: 20_000 }).toBeGreaterThan(before);
    await load.stop();

    const rows = await pool.query<{ id: number }>('SELECT id FROM ledger');
    const held = rows.rows.map(({ id }) => id);
    expect(new Set(held).size).toBe(held.length);
    expect([...load.written].filter((id) => !held.includes(id))).toEqual([]);
    expect(held.filter((id) => !load.written.has(id) && !load.unknown.has(id))).toEqual([]);
    expect(load.failures).toEqual([]);
  },
);
