import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { connectionConfig, StoreClient } from '../connection.ts';
import { unavailable } from '../failures.ts';
import { lockClass, migrate } from '../schema/migrate.ts';

const statementTimeoutMs = 30_000;

/**
 * The one connection that writes. It also holds the claims (session advisory locks), so that whoever lost a claim cannot
 * write either: lock and transactions end together. Work on it is done one after the other.
 */
export class WriterSession {
  readonly id = randomUUID();
  readonly #url: string;
  readonly #onLost: (error: Error) => void;
  #client: pg.Client | undefined;
  #last: Promise<unknown> = Promise.resolve();
  /** Targets that are ours: locked in the present session. */
  readonly #held = new Set<number>();
  /** Targets that were ours when the session was lost. */
  readonly #lost = new Set<number>();
  /** Targets that another daemon has had since, and whose claimer does not know yet. */
  readonly #forfeited = new Set<number>();
  #closed = false;

  /** `onLost` is called when the connection ends by itself. */
  constructor(url: string, onLost: (error: Error) => void) {
    this.#url = url;
    this.#onLost = onLost;
  }

  get connected(): boolean {
    return this.#client !== undefined;
  }

  holds(targetId: number): boolean {
    return this.#held.has(targetId);
  }

  /** Ours, or ours again as soon as the session is back unless another daemon was faster. */
  expects(targetId: number): boolean {
    return this.#held.has(targetId) || this.#lost.has(targetId);
  }

  get lostClaims(): readonly number[] {
    return [...this.#lost];
  }

  /** Runs `work` when all earlier work is done, connecting first where needed. */
  use<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
    const result = this.#last.then(async () => work(this.#client ?? (await this.#connect())));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #connect(): Promise<pg.Client> {
    if (this.#closed) throw unavailable('the store is closed');
    const client = new StoreClient(connectionConfig(this.#url, statementTimeoutMs));
    client.on('error', (error) => this.#forget(client, error));
    client.on('end', () => this.#forget(client, new Error('the connection to the store was closed')));
    try {
      await client.connect();
      await migrate(client);
      await client.query('INSERT INTO pitcrew.writer (id) VALUES ($1) ON CONFLICT DO NOTHING', [this.id]);
      if (this.#closed) throw unavailable('the store is closed');
    } catch (error) {
      void client.end().catch(() => undefined);
      throw error;
    }
    this.#client = client;
    return client;
  }

  #forget(client: pg.Client, error: Error): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    for (const targetId of this.#held) this.#lost.add(targetId);
    this.#held.clear();
    if (!this.#closed) this.#onLost(error);
  }

  /** Ends the present connection; the next work makes a new one. */
  discard(): void {
    const client = this.#client;
    if (!client) return;
    this.#client = undefined;
    for (const targetId of this.#held) this.#lost.add(targetId);
    this.#held.clear();
    void client.end().catch(() => undefined);
  }

  /**
   * Takes a target, whoever had it before. False when another daemon holds it, and once when another has had it since it
   * was ours, so that the claimer begins again from the stored baseline.
   */
  claim(targetId: number): Promise<boolean> {
    return this.use(async (client) => {
      if (this.#held.has(targetId)) return true;
      if (this.#forfeited.delete(targetId)) return false;
      if (!(await tryLock(client, targetId))) return false;
      await client.query('UPDATE pitcrew.target SET owner = $2 WHERE id = $1', [targetId, this.id]);
      this.#lost.delete(targetId);
      this.#held.add(targetId);
      return true;
    });
  }

  /**
   * Takes targets again that were lost with the session. Answers those that another daemon has had since: what waits
   * for them was counted by the other as well and must not be written.
   */
  reclaim(): Promise<number[]> {
    return this.use(async (client) => {
      const forfeited: number[] = [];
      for (const targetId of this.#lost) {
        const locked = await tryLock(client, targetId);
        const { rows } = await client.query<{ owner: string | null }>(
          'SELECT owner FROM pitcrew.target WHERE id = $1',
          [targetId],
        );
        const isOurs = rows[0]?.owner === this.id;
        if (locked && isOurs) this.#held.add(targetId);
        else if (locked) await client.query('SELECT pg_advisory_unlock($1, $2)', [lockClass, targetId]);
        if (!isOurs) {
          forfeited.push(targetId);
          this.#forfeited.add(targetId);
        }
        if (locked || !isOurs) this.#lost.delete(targetId);
      }
      return forfeited;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const client = this.#client;
    this.#client = undefined;
    this.#held.clear();
    await client?.end().catch(() => undefined);
  }
}

async function tryLock(client: pg.Client, targetId: number): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS locked', [
    lockClass,
    targetId,
  ]);
  return rows[0]?.locked ?? false;
}
