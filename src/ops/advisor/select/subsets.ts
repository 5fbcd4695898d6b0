/** Up to this many indexes of a set, its subsets are looked up one by one; beyond it, all sets that are known are compared. */
const enumerable = 6;

/** Sets of indexes with what each saves, asked for the best one within a larger set. */
export class Subsets {
  readonly #savings = new Map<string, number>();
  readonly #sets: { members: readonly number[]; saving: number }[] = [];

  /** Returns true, for use within a condition. */
  add(members: readonly number[], saving: number): boolean {
    const key = keyOf(members);
    this.#savings.set(key, Math.max(this.#savings.get(key) ?? 0, saving));
    this.#sets.push({ members, saving });
    return true;
  }

  /** What the best set saves of which all indexes are among these; −Infinity when there is none. */
  best(members: readonly number[]): number {
    let best = -Infinity;
    if (members.length > enumerable) {
      const within = new Set(members);
      for (const { members: each, saving } of this.#sets) {
        if (saving > best && each.every((index) => within.has(index))) best = saving;
      }
      return best;
    }
    const sorted = members.toSorted((a, b) => a - b);
    for (let bits = 1; bits < 1 << sorted.length; bits++) {
      let key = '';
      for (let at = 0; at < sorted.length; at++) if ((bits >> at) & 1) key += unitsOf(sorted[at] ?? 0);
      best = Math.max(best, this.#savings.get(key) ?? -Infinity);
    }
    return best;
  }
}

const keyOf = (members: readonly number[]): string =>
  members
    .toSorted((a, b) => a - b)
    .map(unitsOf)
    .join('');

/** A number as two units of a text, neither of which is half of a surrogate pair. */
function unitsOf(index: number): string {
  return String.fromCharCode(index >> 15, index & 0x7fff);
}
