/** Something that is fetched or loaded for a key, and may be overtaken by what happens to the key meanwhile. */
export interface Flight {
  /**
   * The key was invalidated, or set to something else, by this process or another one: what is on its way may go to whoever waits, but
   * must not be kept.
   */
  overtaken: 'here' | 'elsewhere' | undefined;
}

/** What is on its way, by key. */
export class Flights {
  readonly #byKey = new Map<string, Set<Flight>>();

  begin(key: string): Flight {
    const flight: Flight = { overtaken: undefined };
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

  overtake(key: string, by: 'here' | 'elsewhere'): void {
    for (const flight of this.#byKey.get(key) ?? []) {
      if (flight.overtaken !== 'here') flight.overtaken = by;
    }
  }
}
