import { type CompactMatrix, packed } from './compact.ts';
import { Subsets } from './subsets.ts';

/** A smaller matrix with an optimum of the same cost. */
export interface Reduced extends CompactMatrix {
  /** The number that each of its indexes has in the matrix it comes from. */
  original: Int32Array;
  /** The indexes of an entry. */
  membersOf(entry: number): number[];
}

interface Entry {
  /** Of its query. */
  number: number;
  saving: number;
  members: readonly number[];
}

/**
 * Leaves out what no best choice needs: entries that save no more than another one whose indexes are among theirs, what does not fit into
 * the budget, indexes that cost writes at least what they could save at most, and indexes that another one replaces everywhere
 * at no more size and write cost.
 */
export function reduce(matrix: CompactMatrix): Reduced {
  const { size, writeCost, budget } = matrix;
  let queries = undominated(matrix);
  const gone = new Set<number>();
  for (;;) {
    const before = gone.size;
    for (const index of worthless(queries, matrix)) gone.add(index);
    for (const index of replaceable(queries, size, writeCost)) gone.add(index);
    if (gone.size === before) break;
    queries = queries.map((entries) => entries.filter(({ members }) => !members.some((member) => gone.has(member))));
  }
  const entries = queries.flat();
  const original = Int32Array.from(new Set(entries.flatMap(({ members }) => members))).toSorted();
  const numbers = new Map([...original].map((index, number) => [index, number]));
  const left = queries.filter(({ length }) => length > 0);
  const renumbered = left.flatMap((list, number) =>
    list.map(({ saving, members }) => ({ number, saving, members: members.map((index) => numbers.get(index) ?? 0) })),
  );
  return {
    queries: left.length,
    indexes: original.length,
    budget,
    base: matrix.base,
    size: Float64Array.from(original, (index) => size[index] ?? 0),
    writeCost: Float64Array.from(original, (index) => writeCost[index] ?? 0),
    ...packed(renumbered),
    membersOf: (entry) => renumbered[entry]?.members ?? [],
    original,
  };
}

/** Entries per query, what saves most first, without those that do not fit and those of which a part saves as much. */
function undominated({ queries, queryOf, saving, memberStart, members, size, budget }: CompactMatrix): Entry[][] {
  const lists: Entry[][] = Array.from({ length: queries }, () => []);
  queryOf.forEach((number, entry) => {
    const set = [...members.subarray(memberStart[entry], memberStart[entry + 1])];
    if (set.reduce((sum, index) => sum + (size[index] ?? 0), 0) > budget) return;
    lists[number]?.push({ number, saving: saving[entry] ?? 0, members: set });
  });
  return lists.map((list) => {
    const known = new Subsets();
    return list
      .toSorted((a, b) => b.saving - a.saving || a.members.length - b.members.length)
      .filter((entry) => known.best(entry.members) < entry.saving && known.add(entry.members, entry.saving));
  });
}

/** Indexes that cost at least as much as they could save if nothing else took their place. */
function worthless(queries: readonly Entry[][], { indexes, writeCost }: CompactMatrix): number[] {
  const most = new Float64Array(indexes);
  for (const entries of queries) {
    const known = subsetsOf(entries);
    const ofQuery = new Map<number, number>();
    for (const { members, saving } of entries) {
      for (const index of members) {
        const rest = members.filter((member) => member !== index);
        ofQuery.set(index, Math.max(ofQuery.get(index) ?? 0, saving - Math.max(0, known.best(rest))));
      }
    }
    for (const [index, gain] of ofQuery) most[index] = (most[index] ?? 0) + gain;
  }
  return [...most.keys()].filter((index) => (most[index] ?? 0) > 0 && (most[index] ?? 0) <= (writeCost[index] ?? 0));
}

/** Indexes in whose stead another one does the same in every entry. */
function replaceable(queries: readonly Entry[][], size: Float64Array, writeCost: Float64Array): Set<number> {
  const known = queries.map(subsetsOf);
  const uses = new Map<number, Entry[]>();
  for (const entry of queries.flat()) {
    for (const index of entry.members) {
      const list = uses.get(index);
      if (list) list.push(entry);
      else uses.set(index, [entry]);
    }
  }
  const inQuery = queries.map((entries) => [...new Set(entries.flatMap(({ members }) => members))]);
  const gone = new Set<number>();
  for (const [index, entries] of uses) {
    const first = entries[0];
    if (!first) continue;
    const cheaper = (inQuery[first.number] ?? []).filter(
      (other) =>
        other !== index &&
        !gone.has(other) &&
        (size[other] ?? 0) <= (size[index] ?? 0) &&
        (writeCost[other] ?? 0) <= (writeCost[index] ?? 0),
    );
    const fits = (other: number): boolean =>
      entries.every(({ number, members, saving }) => {
        const instead = members.filter((member) => member !== index && member !== other);
        return (known[number]?.best([...instead, other]) ?? 0) >= saving;
      });
    if (cheaper.some(fits)) gone.add(index);
  }
  return gone;
}

function subsetsOf(entries: readonly Entry[]): Subsets {
  const known = new Subsets();
  for (const { members, saving } of entries) known.add(members, saving);
  return known;
}
