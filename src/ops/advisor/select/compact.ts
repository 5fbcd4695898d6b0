import { PitcrewError } from '../../../errors.ts';
import type { SelectionProblem } from './types.ts';

/**
 * A cost matrix in numbers: queries, indexes and entries are counted from 0, and an entry says what it saves beside the query's cost
 * without indexes, weighted. Typed arrays, so that it goes to another thread without being copied object by object.
 */
export interface CompactMatrix {
  queries: number;
  indexes: number;
  budget: number;
  /** Weighted cost of all queries without any index. */
  base: number;
  size: Float64Array;
  writeCost: Float64Array;
  /** Per entry: its query and what it saves. Entries of one query stand together. */
  queryOf: Int32Array;
  saving: Float64Array;
  /** The indexes of entry e are `members` from `memberStart[e]` to `memberStart[e + 1]`, ascending, each once. */
  memberStart: Int32Array;
  members: Int32Array;
}

/**
 * Checks a problem and puts it in numbers. Entries that save nothing are left out.
 * @throws {PitcrewError} `E_BAD_REQUEST` for ids that are unknown or there twice, for numbers that are negative or no numbers, and for a
 * query without an entry that needs no indexes.
 */
export function compact(problem: SelectionProblem): CompactMatrix {
  const { queries, indexes, costs, budget } = problem;
  if (!(budget >= 0)) refuse(`The budget is ${budget}; it must be 0 or more, or Infinity.`);
  const queryNumbers = numbered('query', queries);
  const indexNumbers = numbered('index', indexes);
  for (const { id, weight } of queries) demandAmount(weight, `The weight of query "${id}"`);
  for (const { id, size, writeCost } of indexes) {
    demandAmount(size, `The size of index "${id}"`);
    demandAmount(writeCost, `The write cost of index "${id}"`);
  }
  const plain = new Float64Array(queries.length).fill(Infinity);
  const entries = costs.map(({ query, indexes: names, cost }) => {
    const number = queryNumbers.get(query);
    if (number === undefined) return refuse(`An entry names the query "${query}", which is not among the queries.`);
    demandAmount(cost, `A cost of query "${query}"`);
    if (names.length === 0) plain[number] = Math.min(plain[number] ?? Infinity, cost);
    return { number, cost, members: membersOf(query, names, indexNumbers) };
  });
  const without = queries.find((_, number) => plain[number] === Infinity);
  if (without) refuse(`The query "${without.id}" has no entry without indexes, which says what it costs without any.`);
  const base = queries.reduce((sum, { weight }, number) => sum + weight * (plain[number] ?? 0), 0);
  if (!Number.isFinite(base)) refuse('The weighted costs together are too large for a number.');
  const kept = entries
    .map(({ number, cost, members }) => ({
      number,
      members,
      saving: ((plain[number] ?? 0) - cost) * (queries[number]?.weight ?? 0),
    }))
    .filter(({ members, saving }) => members.length > 0 && saving > 0)
    .toSorted((a, b) => a.number - b.number || b.saving - a.saving || a.members.length - b.members.length);
  return {
    queries: queries.length,
    indexes: indexes.length,
    budget,
    base,
    size: Float64Array.from(indexes, ({ size }) => size),
    writeCost: Float64Array.from(indexes, ({ writeCost }) => writeCost),
    ...packed(kept),
  };
}

/** Entries as typed arrays, in the order given. */
export function packed(
  entries: readonly { number: number; saving: number; members: readonly number[] }[],
): Pick<CompactMatrix, 'queryOf' | 'saving' | 'memberStart' | 'members'> {
  const memberStart = new Int32Array(entries.length + 1);
  entries.forEach(({ members }, entry) => (memberStart[entry + 1] = (memberStart[entry] ?? 0) + members.length));
  const members = new Int32Array(memberStart[entries.length] ?? 0);
  entries.forEach((each, entry) => members.set(each.members, memberStart[entry]));
  return {
    queryOf: Int32Array.from(entries, ({ number }) => number),
    saving: Float64Array.from(entries, ({ saving }) => saving),
    memberStart,
    members,
  };
}

/** What would be saved if every query had its best entry, and nothing cost anything. */
export function mostOf({ queries, queryOf, saving }: CompactMatrix): number {
  const best = new Float64Array(queries);
  queryOf.forEach((query, entry) => (best[query] = Math.max(best[query] ?? 0, saving[entry] ?? 0)));
  return best.reduce((sum, each) => sum + each, 0);
}

function numbered(what: string, list: readonly { id: string }[]): Map<string, number> {
  const numbers = new Map<string, number>();
  list.forEach(({ id }, number) => {
    if (numbers.has(id)) refuse(`The id "${id}" belongs to more than one ${what}.`);
    numbers.set(id, number);
  });
  return numbers;
}

function membersOf(query: string, names: readonly string[], numbers: ReadonlyMap<string, number>): number[] {
  const members = names.map(
    (name) =>
      numbers.get(name) ??
      refuse(`An entry of query "${query}" names the index "${name}", which is not among the indexes.`),
  );
  return [...new Set(members)].toSorted((a, b) => a - b);
}

function demandAmount(value: number, what: string): void {
  if (!Number.isFinite(value) || value < 0) refuse(`${what} is ${value}; it must be a number of 0 or more.`);
}

function refuse(detail: string): never {
  throw new PitcrewError('E_BAD_REQUEST', 'the cost matrix cannot be read', { detail });
}
