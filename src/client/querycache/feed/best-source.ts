import type pg from 'pg';
import type { QueryCacheSettings } from '../options.ts';
import { ChangeStream, type ChangeStreamStats, type StreamEvent } from '../stream/index.ts';
import { TriggerStream } from '../triggers/index.ts';
import type { ChangeSource, LearntBy } from './change-source.ts';

type Source = Omit<ChangeSource, 'by'>;

/** Reads the log where the server lets it, else listens to triggers where that is allowed. */
export class BestSource implements ChangeSource {
  readonly #triggers: (() => Source) | undefined;
  #by: LearntBy = 'stream';
  #source: Source;

  constructor(
    { publication, createPublication, permanentSlot, maxLagMs, triggers }: QueryCacheSettings['changes'],
    connection: () => Promise<pg.ClientConfig>,
    listener: (event: StreamEvent) => void,
  ) {
    this.#source = new ChangeStream({
      publication,
      createPublication,
      permanentSlot,
      maxLagMs,
      connection,
      listener,
    });
    this.#triggers =
      triggers && (() => new TriggerStream({ createTriggers: triggers === 'create', maxLagMs, connection, listener }));
  }

  get by(): LearntBy {
    return this.#by;
  }

  get lagMs(): number {
    return this.#source.lagMs;
  }

  async start(): Promise<ChangeStreamStats> {
    const stats = await this.#source.start();
    if (stats.state !== 'refused' || !this.#triggers) return stats;
    await this.#source.close();
    this.#by = 'triggers';
    this.#source = this.#triggers();
    return this.#source.start();
  }

  stats(): ChangeStreamStats {
    return this.#source.stats();
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}
