import { setImmediate as othersTurn } from 'node:timers/promises';

/** After so many milliseconds of work others have their turn. */
const turnMs = 8;

/**
 * What the work on each of many gives, all of it in one list. Where a database has tens of thousands of tables that takes a while, in
 * which this process must go on answering.
 */
export async function inTurns<Item, Result>(
  items: Iterable<Item>,
  work: (item: Item) => readonly Result[],
): Promise<Result[]> {
  const results: Result[] = [];
  let began = performance.now();
  for (const item of items) {
    for (const result of work(item)) results.push(result);
    if (performance.now() - began < turnMs) continue;
    await othersTurn();
    began = performance.now();
  }
  return results;
}
