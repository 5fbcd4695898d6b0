import type pg from 'pg';
import { hostName } from '../host.ts';
import { cancelRequest } from './cancel-request.ts';
import { Statements } from './statements.ts';
import { endsWithin } from './stop.ts';

/** How long a statement may take to end by itself after its transaction failed, before it is cancelled, in ms. */
const endingSoonMs = 50;

/** The connection that a transaction has for its time: what runs on it, whether it still lives, and how it is given back. */
export class TransactionConnection {
  readonly client: pg.PoolClient;
  readonly statements: Statements;
  readonly #graceMs: number;
  #lost: Error | undefined;

  constructor(client: pg.PoolClient, graceMs: number) {
    this.client = client;
    this.#graceMs = graceMs;
    this.statements = new Statements(client);
    client.on('error', this.#onLoss);
    client.on('end', this.#onEnd);
  }

  get endpoint(): string {
    return hostName(this.client);
  }

  /** What ended the connection, as far as the driver knows. */
  get lost(): Error | undefined {
    return this.#lost;
  }

  /** Whether this error is how the end of the connection showed. */
  ended(error: object): boolean {
    return error === this.#lost || this.statements.failedUnanswered(error);
  }

  readonly #onLoss = (error: Error): void => {
    this.#lost ??= error;
  };

  readonly #onEnd = (): void => {
    this.#lost ??= new Error('Connection terminated');
  };

  /**
   * Ends all that runs on it, so that it can be rolled back: at once (`now`), or when it does not end by itself soon. No cancel
   * request is under way any more when this resolves. `false` when the server did not get it to end in time.
   */
  async quiet(now: boolean, reason: unknown): Promise<boolean> {
    const { statements } = this;
    statements.closeOpen(reason);
    if (statements.running === 0) return !this.#lost;
    const settled = statements.settled();
    const giveUpAt = performance.now() + this.#graceMs;
    if (!now && (await endsWithin(settled, endingSoonMs))) return !this.#lost;
    // More than once: a request that arrives between two queued statements stops neither.
    for (let waitMs = endingSoonMs; statements.running > 0 && !this.#lost; waitMs *= 2) {
      const leftMs = giveUpAt - performance.now();
      if (leftMs <= 0) {
        // Whoever still waits for a statement hears of it.
        void this.client.end();
        return false;
      }
      await cancelRequest(this.client, leftMs);
      await endsWithin(settled, Math.min(waitMs, leftMs));
    }
    return !this.#lost;
  }

  /** Rolls back; `false` when that failed or got no answer in time. */
  async rollback(): Promise<boolean> {
    if (this.#lost) return false;
    const answer = this.client.query('ROLLBACK').then(
      () => true,
      () => false,
    );
    return (await endsWithin(answer, this.#graceMs)) && answer;
  }

  /**
   * Whether the server still answers. After an error that tells an ERROR from a FATAL, whose name the server translates.
   */
  async answers(): Promise<boolean> {
    if (this.#lost) return false;
    const answer = this.client.query('').then(
      () => true,
      () => false,
    );
    return (await endsWithin(answer, this.#graceMs)) && answer;
  }

  /** Gives the connection back to the pool, to be used again if it lives. */
  giveBack(): void {
    this.#release(this.#lost);
  }

  /** Has the pool close it. */
  destroy(reason: unknown): void {
    this.#release(this.#lost ?? (reason instanceof Error ? reason : new Error(String(reason))));
  }

  #release(error: Error | undefined): void {
    this.client.release(error);
    // After the pool has taken over: an error that nobody listens to would end the process.
    this.client.off('error', this.#onLoss);
    this.client.off('end', this.#onEnd);
  }
}
