/** Something that is fetched or loaded for a key, and may be overtaken by what happens to the key meanwhile. */
export interface Flight {
  /** The key was invalidated, or set to something else: what is on its way may go to whoever waits, but must not be kept. */
  isOvertaken: boolean;
}

/** What is on its way, by key. */
export class Flights {
  readonly #byKey = new Map<string, Set<Flight>>();

  begin(key: string): Flight {
    const flight = { isOvertaken: false };
    const others = this.#byKey.get(key);
    if (others) others.add(flight);
    else this.#byKey.set(key, new Set([flight]));
    return flight;
  }

  end(key: string, flight: Flight): void {
    const all = this.#byKey.get(key);
    all?.delete(flight);
    if (all?.size === 0) this.#byKey.delete(key);
  }

  overtake(key: string): void {
    for (const flight of this.#byKey.get(key) ?? []) flight.isOvertaken = true;
  }
}
