import type pg from 'pg';
import { destroy } from '../driver.ts';
import { closeClient } from './connection.ts';

export interface OpenerHost {
  /** A client that is not connected yet. */
  newClient(): pg.Client;
  /** Called once per connection before it is lent; when it throws the connection is closed and its opening has failed. */
  prepared(client: pg.PoolClient): Promise<void>;
  onOpened(client: pg.PoolClient, tookMs: number): void;
  onOpenFailed(error: Error, tookMs: number): void;
}

/** First and longest wait between two tries to reach a server that is away; each is jittered. */
const retryMs = { first: 50, longest: 1000 };

/** How long the application's hooks may take for a new connection: what they ask of a server that has gone silent fails then. */
const hooksWithinMs = 30_000;

/** Opens connections, and knows when to try again. */
export class Opener {
  readonly #host: OpenerHost;
  #count = 0;
  #failuresInRow = 0;
  #lastFailure: Error | undefined;
  #retrying: NodeJS.Timeout | undefined;

  constructor(host: OpenerHost) {
    this.#host = host;
  }

  /** Connections that are being opened. */
  get count(): number {
    return this.#count;
  }

  /** Why the last one could not be opened; `undefined` once one could. */
  get lastFailure(): Error | undefined {
    return this.#lastFailure;
  }

  /** The server was away and is left alone for a while. */
  get isResting(): boolean {
    return this.#retrying !== undefined;
  }

  /** Opens one and tells the host how that went. */
  async open(): Promise<void> {
    this.#count += 1;
    const began = performance.now();
    const client = this.#host.newClient() as pg.PoolClient;
    // Errors while connecting reject connect(); later ones are told by the listener of an idle connection, or its holder's.
    client.on('error', () => {});
    let givenUp: NodeJS.Timeout | undefined;
    try {
      await client.connect();
      givenUp = setTimeout(() => destroy(client), hooksWithinMs);
      await this.#host.prepared(client);
      clearTimeout(givenUp);
    } catch (error) {
      clearTimeout(givenUp);
      this.#count -= 1;
      this.#failuresInRow += 1;
      this.#lastFailure = error instanceof Error ? error : new Error(String(error));
      void closeClient(client);
      this.#host.onOpenFailed(this.#lastFailure, performance.now() - began);
      return;
    }
    this.#count -= 1;
    this.#failuresInRow = 0;
    this.#lastFailure = undefined;
    this.#host.onOpened(client, performance.now() - began);
  }

  /** Calls back after a while that doubles and is jittered, so that a server that comes back is not stormed. */
  rest(then: () => void): void {
    if (this.#retrying || this.#count > 0) return;
    const full = Math.min(retryMs.longest, retryMs.first * 2 ** Math.min(this.#failuresInRow - 1, 10));
    this.#retrying = setTimeout(
      () => {
        this.#retrying = undefined;
        then();
      },
      full / 2 + (Math.random() * full) / 2,
    );
  }

  stop(): void {
    clearTimeout(this.#retrying);
  }
}
