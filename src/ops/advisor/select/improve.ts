import { at, type Choice } from './choice.ts';

/** A choice worth keeping: which indexes, and what they save. */
export interface Kept {
  chosen: Uint8Array;
  value: number;
}

export const keep = ({ chosen, value }: Choice): Kept => ({ chosen: chosen.slice(), value });

/**
 * Adds what brings most for its size as long as anything brings something and fits: single indexes, or all that an entry still misses.
 * `within` limits the indexes that may be added.
 */
export function fill(choice: Choice, within?: Uint8Array): void {
  const { matrix } = choice;
  const gains = new Float64Array(matrix.indexes);
  const stale = new Uint8Array(matrix.indexes).fill(1);
  for (;;) {
    const room = matrix.budget - choice.used;
    let best: number[] | undefined;
    let density = 0;
    for (let index = 0; index < matrix.indexes; index++) {
      if (choice.chosen[index] === 1 || at(matrix.size, index) > room || within?.[index] === 0) continue;
      if (stale[index] === 1) gains[index] = choice.gain(index);
      stale[index] = 0;
      const each = at(gains, index) / at(matrix.size, index);
      if (at(gains, index) > 0 && each > density) {
        density = each;
        best = [index];
      }
    }
    best = bundle(choice, gains, room, density, within) ?? best;
    if (!best) return;
    for (const index of best) {
      choice.add(index);
      markNeighbours(choice, index, stale);
    }
  }
}

/** The indexes that an entry misses, where together they bring more for their size than `density`. */
function bundle(
  choice: Choice,
  gains: Float64Array,
  room: number,
  density: number,
  within?: Uint8Array,
): number[] | undefined {
  const { queryOf, saving, memberStart, members, size, writeCost } = choice.matrix;
  let best = -1;
  let most = density;
  for (let entry = 0; entry < queryOf.length; entry++) {
    if (at(choice.missing, entry) < 2) continue;
    const more = at(saving, entry) - at(choice.saved, at(queryOf, entry));
    if (more <= 0) continue;
    let bytes = 0;
    let gain = more;
    let allowed = true;
    for (let m = at(memberStart, entry); m < at(memberStart, entry + 1); m++) {
      const index = at(members, m);
      if (choice.chosen[index] === 1) continue;
      allowed &&= within?.[index] !== 0;
      bytes += at(size, index);
      // What the index brings elsewhere, as far as that is known without trying: at least nothing but its cost.
      gain += Math.max(at(gains, index), -at(writeCost, index));
    }
    if (!allowed || bytes > room || gain <= most * bytes || gain <= 0) continue;
    most = gain / bytes;
    best = entry;
  }
  if (best < 0) return undefined;
  return [...members.subarray(at(memberStart, best), at(memberStart, best + 1))].filter((i) => choice.chosen[i] === 0);
}

/** Indexes whose gain may have changed because this one came or went: those of the same queries. */
function markNeighbours(choice: Choice, index: number, stale: Uint8Array): void {
  const { queryOf, memberStart, members } = choice.matrix;
  const seen = new Set<number>();
  for (let u = at(choice.useStart, index); u < at(choice.useStart, index + 1); u++) {
    const query = at(queryOf, at(choice.uses, u));
    if (seen.has(query)) continue;
    seen.add(query);
    const [from, to] = choice.entriesOf(query);
    for (let m = at(memberStart, from); m < at(memberStart, to); m++) stale[at(members, m)] = 1;
  }
}

/** Removes what costs more than it brings, what takes away least first. */
export function trim(choice: Choice): void {
  for (;;) {
    const idle = choice.list().find((index) => choice.loss(index) <= 0);
    if (idle === undefined) return;
    choice.remove(idle);
  }
}

/** How warm the search begins and ends, as shares of the cost: so much worse is a step that it takes more often than not. */
const warmest = 2e-3;
const coldest = 4e-5;

/**
 * Gives one query after another a better entry: takes the indexes that it misses, and for their room those that bring least for their size. What
 * is worse is kept now and then, at first more often (simulated annealing): single steps lead nowhere where several indexes help
 * only together. For the same reason an index that serves nothing stays until its room is needed.
 * @param entries those to try.
 * @param steps how many; `proceed` is asked every few of them.
 */
export function improve(
  choice: Choice,
  entries: Int32Array,
  steps: number,
  proceed: () => boolean,
  random: () => number,
): Kept {
  const { matrix } = choice;
  let best = keep(choice);
  const cost = matrix.base - choice.value;
  for (let step = 0; step < steps && (step % 64 > 0 || proceed()); step++) {
    const entry = at(entries, Math.floor(random() * entries.length));
    if (at(matrix.saving, entry) <= at(choice.saved, at(matrix.queryOf, entry))) continue;
    const before = choice.value;
    const warmth = cost * warmest * (coldest / warmest) ** (step / steps);
    const moved = exchange(choice, entry, warmth, random);
    const fits = choice.used <= matrix.budget;
    if (!fits || random() >= Math.exp((choice.value - before) / warmth)) undo(choice, moved);
    else if (choice.value > best.value) best = keep(choice);
  }
  choice.become(best.chosen);
  fill(choice);
  trim(choice);
  return keep(choice);
}

/** Adds what an entry misses and removes what brings least for the room that is needed; returns the indexes that came or went. */
function exchange(choice: Choice, entry: number, warmth: number, random: () => number): number[] {
  const { budget, size, memberStart, members } = choice.matrix;
  const wanted = members.subarray(at(memberStart, entry), at(memberStart, entry + 1));
  const moved: number[] = [];
  for (const index of wanted) {
    if (choice.chosen[index] === 1) continue;
    choice.add(index);
    moved.push(index);
  }
  const excess = choice.used - budget;
  if (excess <= 0) return moved;
  const ranked: { index: number; rank: number }[] = [];
  for (let index = 0; index < choice.chosen.length; index++) {
    if (choice.chosen[index] === 0 || wanted.includes(index)) continue;
    // More room than is needed does not count, and what is small is not given up in crowds although it brings nothing.
    const room = Math.min(excess, at(size, index));
    ranked.push({ index, rank: ((choice.loss(index) + warmth) / room) * (0.7 + 0.6 * random()) });
  }
  ranked.sort((a, b) => a.rank - b.rank);
  for (const { index } of ranked) {
    if (choice.used <= budget) break;
    choice.remove(index);
    moved.push(index);
  }
  return moved;
}

function undo(choice: Choice, moved: readonly number[]): void {
  for (const index of moved.toReversed()) {
    if (choice.chosen[index] === 1) choice.remove(index);
    else choice.add(index);
  }
}

/** Numbers from 0 to 1, the same for the same seed (Park and Miller). */
export function randomFrom(seed: number): () => number {
  let state = seed * 48_271;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
