import type { CompactMatrix } from './compact.ts';

/**
 * A set of chosen indexes and what it saves, kept up to date while indexes come and go. Where several entries serve a query, the one
 * that saves most counts; entries of a query must stand in that order.
 */
export class Choice {
  readonly matrix: CompactMatrix;
  readonly chosen: Uint8Array;
  /** Sum of the sizes. */
  used = 0;
  /** What the entries save, less what the chosen indexes cost writes. */
  value = 0;
  /** Per entry, how many of its indexes are not chosen. */
  readonly missing: Int32Array;
  /** Per query: what its best entry saves, and which one that is; −1 for none. */
  readonly saved: Float64Array;
  readonly served: Int32Array;
  /** Entries in which an index is: `uses` from `useStart[index]`. */
  readonly useStart: Int32Array;
  readonly uses: Int32Array;
  readonly #queryStart: Int32Array;
  /** Per index what its removal would take away, but for what changed in the queries that are listed. */
  readonly #lost: Float64Array;
  /** Per place in `members` of a served entry, its query's part of that. */
  readonly #part: Float64Array;
  /** Per query, the entry whose parts are counted; −1 for none. */
  readonly #counted: Int32Array;
  readonly #changed: number[] = [];
  readonly #listed: Uint8Array;

  constructor(matrix: CompactMatrix) {
    this.matrix = matrix;
    const { indexes, queries, members, memberStart, queryOf } = matrix;
    const entries = queryOf.length;
    this.chosen = new Uint8Array(indexes);
    this.missing = Int32Array.from({ length: entries }, (_, e) => at(memberStart, e + 1) - at(memberStart, e));
    this.saved = new Float64Array(queries);
    this.served = new Int32Array(queries).fill(-1);
    this.#queryStart = startsOf(queryOf, queries);
    this.useStart = startsOf(members, indexes);
    this.uses = new Int32Array(members.length);
    this.#lost = new Float64Array(indexes);
    this.#part = new Float64Array(members.length);
    this.#counted = new Int32Array(queries).fill(-1);
    this.#listed = new Uint8Array(queries);
    const next = this.useStart.slice();
    for (let entry = 0; entry < entries; entry++) {
      for (let m = at(memberStart, entry); m < at(memberStart, entry + 1); m++) {
        const index = at(members, m);
        const place = at(next, index);
        this.uses[place] = entry;
        next[index] = place + 1;
      }
    }
  }

  add(index: number): void {
    const { queryOf, saving, size, writeCost } = this.matrix;
    this.chosen[index] = 1;
    this.used += at(size, index);
    this.value -= at(writeCost, index);
    for (let u = at(this.useStart, index); u < at(this.useStart, index + 1); u++) {
      const entry = at(this.uses, u);
      this.missing[entry] = at(this.missing, entry) - 1;
      const query = at(queryOf, entry);
      if (this.missing[entry] !== 0) continue;
      this.#list(query);
      // Of those that save the same the first counts, as it does where one is looked for.
      const served = at(this.served, query);
      if (served >= 0 && served < entry) continue;
      this.value += at(saving, entry) - at(this.saved, query);
      this.saved[query] = at(saving, entry);
      this.served[query] = entry;
    }
  }

  remove(index: number): void {
    const { queryOf, size, writeCost } = this.matrix;
    this.chosen[index] = 0;
    this.used -= at(size, index);
    this.value += at(writeCost, index);
    for (let u = at(this.useStart, index); u < at(this.useStart, index + 1); u++) {
      const entry = at(this.uses, u);
      if (this.missing[entry] === 0) this.#list(at(queryOf, entry));
      this.missing[entry] = at(this.missing, entry) + 1;
    }
    for (let u = at(this.useStart, index); u < at(this.useStart, index + 1); u++) {
      const query = at(queryOf, at(this.uses, u));
      if (this.served[query] === at(this.uses, u)) this.#serve(query);
    }
  }

  /** What adding an index would bring; negative when it costs more. */
  gain(index: number): number {
    const { queryOf, saving, writeCost } = this.matrix;
    let gain = -at(writeCost, index);
    let query = -1;
    // Entries of a query stand together, what saves most first: only the first one that would be whole counts.
    for (let u = at(this.useStart, index); u < at(this.useStart, index + 1); u++) {
      const entry = at(this.uses, u);
      if (at(this.missing, entry) !== 1 || at(queryOf, entry) === query) continue;
      query = at(queryOf, entry);
      gain += Math.max(0, at(saving, entry) - at(this.saved, query));
    }
    return gain;
  }

  /** What removing an index would take away; negative when it is better without. */
  loss(index: number): number {
    for (const query of this.#changed) this.#count(query);
    this.#changed.length = 0;
    return at(this.#lost, index) - at(this.matrix.writeCost, index);
  }

  /** The entries of a query: from the first number up to the second one. */
  entriesOf(query: number): [number, number] {
    return [at(this.#queryStart, query), at(this.#queryStart, query + 1)];
  }

  /** Numbers of the chosen indexes, ascending. */
  list(): number[] {
    return [...this.chosen.keys()].filter((index) => this.chosen[index] === 1);
  }

  /** Adds and removes until exactly these are chosen. */
  become(wanted: Uint8Array): void {
    for (let index = 0; index < wanted.length; index++) {
      if (this.chosen[index] === 1 && wanted[index] === 0) this.remove(index);
    }
    for (let index = 0; index < wanted.length; index++) {
      if (this.chosen[index] === 0 && wanted[index] === 1) this.add(index);
    }
  }

  #serve(query: number): void {
    const entry = this.#whole(query, at(this.#queryStart, query), -1);
    const saved = entry < 0 ? 0 : at(this.matrix.saving, entry);
    this.value += saved - at(this.saved, query);
    this.saved[query] = saved;
    this.served[query] = entry;
  }

  #list(query: number): void {
    if (this.#listed[query] === 1) return;
    this.#listed[query] = 1;
    this.#changed.push(query);
  }

  /** Counts anew what a query would lose with each index of the entry that serves it. */
  #count(query: number): void {
    const { members, memberStart, saving } = this.matrix;
    this.#listed[query] = 0;
    const before = at(this.#counted, query);
    if (before >= 0) {
      for (let m = at(memberStart, before); m < at(memberStart, before + 1); m++) {
        this.#lost[at(members, m)] = at(this.#lost, at(members, m)) - at(this.#part, m);
      }
    }
    const entry = at(this.served, query);
    this.#counted[query] = entry;
    if (entry < 0) return;
    for (let m = at(memberStart, entry); m < at(memberStart, entry + 1); m++) {
      const next = this.#whole(query, entry + 1, at(members, m));
      this.#part[m] = at(saving, entry) - (next < 0 ? 0 : at(saving, next));
      this.#lost[at(members, m)] = at(this.#lost, at(members, m)) + at(this.#part, m);
    }
  }

  /** The first entry of a query, from `entry` on, of which all indexes are chosen and `without` is none. */
  #whole(query: number, from: number, without: number): number {
    const { members, memberStart } = this.matrix;
    const end = at(this.#queryStart, query + 1);
    for (let entry = from; entry < end; entry++) {
      if (this.missing[entry] !== 0) continue;
      let fits = true;
      for (let m = at(memberStart, entry); m < at(memberStart, entry + 1); m++) fits &&= at(members, m) !== without;
      if (fits) return entry;
    }
    return -1;
  }
}

/** An element that is known to be there. */
export function at(list: Float64Array | Int32Array, place: number): number {
  return list[place] ?? 0;
}

/** Where each number's places begin when a list is sorted by number. */
function startsOf(numbers: Int32Array, count: number): Int32Array {
  const starts = new Int32Array(count + 1);
  for (const number of numbers) starts[number + 1] = at(starts, number + 1) + 1;
  for (let number = 0; number < count; number++) starts[number + 1] = at(starts, number + 1) + at(starts, number);
  return starts;
}
