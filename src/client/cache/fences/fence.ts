import type { Invalidation } from '../invalidation.ts';
import type { Heard } from '../tier.ts';
import { History } from './history.ts';

/**
 * The order of this process's own invalidations, and of those that it has heard of: what its memory is held against. Keys are not
 * remembered: their entries are deleted, and their loads are told. Nor are notes, which concern no entry.
 */
export class Fence {
  readonly #history = new History();
  #now = 0;

  /** To be asked before a load begins. */
  get now(): number {
    return this.#now;
  }

  raise(what: readonly Invalidation[]): void {
    const remembered = what.filter(({ kind }) => kind !== 'key' && kind !== 'note');
    if (remembered.length === 0) return;
    this.#now += 1;
    for (const each of remembered) this.#history.note(each, this.#now);
  }

  heard(heard: Heard): void {
    if (heard !== 'unknown') {
      this.raise(heard);
      return;
    }
    this.#now += 1;
    this.#history.raiseFloor(this.#now);
  }

  /** Whether something that concerns an entry was invalidated since its load began. */
  isVoid(key: string, tags: readonly string[], since: number): boolean {
    return since !== this.#now && this.#history.isVoid(key, tags, since);
  }
}
