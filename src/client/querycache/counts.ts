import { Groups, type GroupStats } from '../cache/groups.ts';

/** Why a statement was not answered from the cache although it was asked to. */
export type Bypass =
  /** Changes are not known of now: see the state. */
  | 'not open'
  /** What it says, what it reads, or a policy. */
  | 'not cacheable'
  /** A parameter cannot be told by its value, or means another time each time. */
  | 'parameter'
  /** The caller must see what was committed by now, and the changes are not known up to now. */
  | 'not up to date';

/** Why a result was not kept, besides what its snapshot says: that the fence counts. */
export type Refused =
  /** The session was another one than the key speaks of, or a pooler may have been in between. */
  | 'session'
  /** This process wrote meanwhile. */
  | 'own write'
  | 'too large';

/** Why results were given up. */
export type GivenUp =
  /** By a change that was told. */
  | 'change'
  | 'own write'
  /** The changes were lost or late, or definitions were changed. */
  | 'epoch'
  /** By the application. */
  | 'cleared';

/** Counts what a query cache does. */
export class Counts {
  memoryHits = 0;
  tierHits = 0;
  /** Waited for a load that somebody else had begun. */
  joined = 0;
  misses = 0;
  loadErrors = 0;
  loadMs = 0;
  readonly bypasses: Record<Bypass, number> = { 'not open': 0, 'not cacheable': 0, parameter: 0, 'not up to date': 0 };
  /** By reasons that the fence does not count. */
  readonly refused: Record<Refused, number> = { session: 0, 'own write': 0, 'too large': 0 };
  readonly givenUp: Record<GivenUp, number> = { change: 0, 'own write': 0, epoch: 0, cleared: 0 };
  /** By the first table. */
  readonly #groups = new Groups();

  hit(names: readonly string[]): void {
    this.memoryHits += 1;
    this.#group(names).hits += 1;
  }

  missed(names: readonly string[]): void {
    this.misses += 1;
    this.#group(names).misses += 1;
  }

  shared(names: readonly string[]): void {
    this.#group(names).hits += 1;
  }

  groups(): GroupStats[] {
    return this.#groups.report();
  }

  #group([name = 'none']: readonly string[]): GroupStats {
    return this.#groups.of(name);
  }
}
