import type { RawResult } from '../pool/index.ts';
import type { Dependency } from './fence/index.ts';

/** A result on its way, and since when. */
export interface Flight {
  readonly promise: Promise<RawResult>;
  readonly dependencies: readonly Dependency[];
  /** Where everything stood when it began: what of it has changed since may not be in it. */
  readonly token: number | undefined;
  readonly mark: number;
  readonly ownMark: number;
  readonly startedAt: number;
  /** It may bring what another process has loaded, which lacks what is not told yet. */
  readonly mayBeShared: boolean;
  /** Those who wait for it; when there are none any more it is given up. */
  waiting: number;
  readonly controller: AbortController;
}

/** One load for all who want the same at the same time. */
export class Flights {
  readonly #flights = new Map<string, Flight>();

  get(key: string): Flight | undefined {
    return this.#flights.get(key);
  }

  /** It takes the place of one that is not to be waited for any more. */
  begin(key: string, flight: Flight): void {
    this.#flights.set(key, flight);
    const end = (): void => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    flight.promise.then(end, end);
  }
}
