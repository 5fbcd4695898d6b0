import type pg from 'pg';
import type { QueryCacheSettings } from '../options.ts';
import { ChangeStream, type ChangeStreamStats, type StreamEvent } from '../stream/index.ts';
import type { ChangeSource } from './change-source.ts';

/** Reads the log where the server lets it, else listens to triggers where that is allowed. */
export class BestSource implements ChangeSource {
  readonly #stream: ChangeSource;

  constructor(
    changes: QueryCacheSettings['changes'],
    connection: () => Promise<pg.ClientConfig>,
    listener: (event: StreamEvent) => void,
  ) {
    const { publication, createPublication, permanentSlot, maxLagMs } = changes;
    this.#stream = new ChangeStream({ publication, createPublication, permanentSlot, maxLagMs, connection, listener });
  }

  get lagMs(): number {
    return this.#stream.lagMs;
  }

  start(): Promise<ChangeStreamStats> {
    return this.#stream.start();
  }

  stats(): ChangeStreamStats {
    return this.#stream.stats();
  }

  close(): Promise<void> {
    return this.#stream.close();
  }
}
