import { at } from './choice.ts';
import { type CompactMatrix, mostOf } from './compact.ts';
import { type Highs, type Solved, solveRelaxed, solveWhole, withEntries } from './highs.ts';
import { fill, improve, randomFrom, trim } from './improve.ts';
import { reduce } from './reduce.ts';
import { relax, type Relaxation } from './relax.ts';
import { type Progress, Search } from './search.ts';

/** Up to so many entries the very best is looked for; beyond, what is proven to cost at most `largeGap` more is good enough. */
const smallMatrix = 3000;
const largeGap = 3e-4;

/** Beyond so many entries even the linear relaxation takes long: a part is solved before it. */
const largeMatrix = 25_000;

/** Entries of the parts that are solved first, to have a good choice with which to leave out most of the rest. */
const coreEntries = [1500, 6000];

/** The search around what a relaxation takes: how many of the entries that the relaxation likes best it tries, and how many steps it does. */
const triedEntries = 6000;
const mostSteps = 60_000;

/**
 * Looks for the best choice: a quick one first, then bounds from relaxations, and around what they share a better one, at last
 * the whole program on what could still be better. Tells of every progress.
 * @param until when to stop, in ms of `performance.now()`.
 */
export async function solve(
  matrix: CompactMatrix,
  until: number,
  load: () => Promise<Highs>,
  report: (progress: Progress) => void,
): Promise<void> {
  const reduced = reduce(matrix);
  const search = new Search(reduced, until, reduced.queryOf.length <= smallMatrix ? 0 : largeGap, report);
  const { choice } = search;
  search.bound(mostOf(reduced));
  fill(choice);
  trim(choice);
  search.found();
  if (search.done) return;
  const highs = await load();
  let relaxation: Relaxation | undefined;
  try {
    if (reduced.queryOf.length > largeMatrix) {
      relaxation = relax(reduced, search.best.value, 1000, search.for(0.1));
      search.bound(relaxation.most);
      round(search, relaxation);
      improveAround(search, relaxation, 1);
      solveCores(search, highs, relaxation);
    }
    relaxation =
      solveRelaxed(highs, reduced, { exact: search.gap === 0, seconds: search.secondsLeft * 0.4 }) ??
      relaxation ??
      relax(reduced, search.best.value, 1000, search.for(0.2));
    search.bound(relaxation.most);
    round(search, relaxation);
    improveAround(search, relaxation, 2);
    solveCores(search, highs, relaxation);
    if (!search.done) solveRest(search, highs, relaxation);
  } catch (error) {
    // The program breaks when its memory does not suffice. What was found is still good, and the bound holds.
    if (!(error instanceof Error) || error.name !== 'RuntimeError') throw error;
  }
  if (relaxation) improveAround(search, relaxation, 3);
}

/** Takes what the relaxation takes wholly, and fills up: with what it takes in part, then with anything. */
function round(search: Search, { share }: Relaxation): void {
  const { choice, reduced, best } = search;
  choice.become(new Uint8Array(reduced.indexes));
  const order = [...share.keys()].filter((index) => at(share, index) > 0.9);
  for (const index of order.toSorted((a, b) => at(share, b) - at(share, a) || a - b)) {
    if (choice.used + at(reduced.size, index) <= reduced.budget) choice.add(index);
  }
  fill(
    choice,
    Uint8Array.from(share, (each) => (each > 1e-3 ? 1 : 0)),
  );
  fill(choice);
  trim(choice);
  if (choice.value > best.value) search.found();
  else choice.become(best.chosen);
}

/** Searches for a better choice among the entries that the relaxation likes best. */
function improveAround(search: Search, relaxation: Relaxation, seed: number): void {
  if (search.done) return;
  const { choice, reduced } = search;
  const tried = Int32Array.from(possibleEntries(search, relaxation).slice(0, triedEntries));
  const steps = Math.min(mostSteps, 4 * reduced.queryOf.length);
  improve(choice, tried, tried.length > 0 ? steps : 0, search.for(0.15), randomFrom(seed));
  search.found();
}

/**
 * Entries that may be part of a better choice, those first that cost least beside the bound, their indexes included: what costs more than the
 * gap to the bound cannot.
 */
function possibleEntries({ reduced, best }: Search, { most, entryLoss, chosenLoss }: Relaxation): number[] {
  const gap = most - best.value;
  const loss = entryLoss.map((each, entry) =>
    reduced.membersOf(entry).reduce((sum, index) => sum + at(chosenLoss, index), each),
  );
  return [...loss.keys()]
    .filter((entry) => at(loss, entry) <= gap)
    .toSorted((a, b) => at(loss, a) - at(loss, b) || a - b);
}

/** Solves the program on the entries that the relaxation likes best, for a better choice. It proves nothing. */
function solveCores(search: Search, highs: Highs, relaxation: Relaxation): void {
  for (const size of coreEntries) {
    const possible = possibleEntries(search, relaxation);
    if (search.done || possible.length <= 1.5 * size) return;
    solvePart(search, highs, possible.slice(0, size), search.secondsLeft * 0.2);
  }
}

/** Solves the program on all that may be better, until the time is up. */
function solveRest(search: Search, highs: Highs, relaxation: Relaxation): void {
  const { most, finished } = solvePart(search, highs, possibleEntries(search, relaxation), search.secondsLeft);
  search.bound(Math.max(most, search.best.value));
  if (finished) search.finish();
}

function solvePart(search: Search, highs: Highs, possible: readonly number[], seconds: number): Solved {
  const { reduced, choice, gap } = search;
  const entries = possible.toSorted((a, b) => a - b);
  const solved = solveWhole(highs, withEntries(reduced, entries), choice, {
    gap,
    seconds,
    improved: (chosen) => search.propose(chosen),
  });
  if (solved.chosen) search.propose(solved.chosen);
  return solved;
}
