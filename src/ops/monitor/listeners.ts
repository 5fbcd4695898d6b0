import { messageOf } from '../../errors.ts';
import type { MonitorLogger } from './logger.ts';
import type { MonitorEvent } from './types.ts';

/** Who wants to hear what a monitor sees. One that fails does not keep the others from hearing it. */
export class Listeners {
  readonly #listeners = new Set<(event: MonitorEvent) => void>();
  readonly #logger: MonitorLogger;

  constructor(logger: MonitorLogger) {
    this.#logger = logger;
  }

  /** Returns what ends it. */
  add(listener: (event: MonitorEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(event: MonitorEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#logger.warn({ database: event.database, reason: messageOf(error) }, 'a listener failed');
      }
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}
