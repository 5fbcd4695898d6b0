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

/**
 * Takes some indexes away and fills up again, over and over, and keeps what is better (or at first a little worse: a few steps
 * back may lead further).
 * @param rounds how often; `proceed` is asked before each.
 */
export function improve(choice: Choice, rounds: number, proceed: () => boolean, random: () => number): Kept {
  let best = keep(choice);
  let current = best;
  for (let round = 0; round < rounds && proceed(); round++) {
    const tolerance = 0.002 * Math.max(0, 1 - (2 * round) / rounds);
    for (const index of victims(choice, random)) choice.remove(index);
    fill(choice);
    trim(choice);
    if (choice.value >= current.value * (1 - tolerance)) current = keep(choice);
    else choice.become(current.chosen);
    if (current.value > best.value) best = current;
    if (round % 50 === 49 && current.value < best.value) {
      choice.become(best.chosen);
      current = best;
    }
  }
  choice.become(best.chosen);
  return best;
}

/** Chosen indexes that serve some queries together, or that bring little for their size, by turns. */
function victims(choice: Choice, random: () => number): number[] {
  const chosen = choice.list();
  const count = Math.min(chosen.length, 2 + Math.floor(random() * Math.max(3, Math.min(12, chosen.length / 8))));
  if (random() < 0.5) {
    const { size } = choice.matrix;
    return chosen
      .map((index) => ({ index, rank: (choice.loss(index) / Math.max(1, at(size, index))) * (0.2 + random()) }))
      .toSorted((a, b) => a.rank - b.rank)
      .slice(0, count)
      .map(({ index }) => index);
  }
  const { members, memberStart, queries } = choice.matrix;
  const together = new Set<number>();
  for (let attempt = 0; attempt < 4 * count && together.size < count; attempt++) {
    const entry = choice.served[Math.floor(random() * queries)] ?? -1;
    if (entry < 0) continue;
    for (let m = at(memberStart, entry); m < at(memberStart, entry + 1); m++) together.add(at(members, m));
  }
  return [...together];
}
