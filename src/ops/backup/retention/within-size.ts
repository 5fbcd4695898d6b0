import { formatSize } from '../../../config/index.ts';
import type { Weighed } from './decision.ts';
import { bytesOf, logNeeds } from './kept-log.ts';
import type { LogNeeds, LogSums } from './log-needs.ts';
import type { RetentionPolicy } from './policy.ts';

export interface SizeOptions {
  maxBytes: number;
  log: LogSums;
  asOf: Date;
}

/**
 * Lets the oldest go, each with those that build on it and its log, until the rest fits or only what is safe from limits is left. Where that is still too much, the log between
 * these goes, from the oldest on: never what one of them needs to its own end, nor what came after the latest.
 * @returns which log stays
 */
export function shrink(
  newestFirst: Weighed[],
  policy: RetentionPolicy,
  { maxBytes, log, asOf }: SizeOptions,
): LogNeeds {
  const fits = (needs: LogNeeds): boolean => bytesOf(needs, log) <= maxBytes;
  const all = logNeeds(newestFirst, policy, asOf);
  if (fits(all)) return all;
  const steps = removals(newestFirst);
  const enough = fewest(steps.length, (count) => {
    const gone = new Set(steps.slice(0, count).flat());
    return fits(
      logNeeds(
        newestFirst.filter((decision) => !gone.has(decision)),
        policy,
        asOf,
      ),
    );
  });
  const beyond = `beyond ${formatSize(maxBytes)}`;
  for (const decision of steps.slice(0, enough).flat()) {
    Object.assign(decision, { keep: false, classes: [], reasons: [beyond] });
  }
  const left = logNeeds(newestFirst, policy, asOf);
  if (fits(left)) return left;
  const { kept, onward } = left;
  const without = (count: number): LogNeeds => ({ kept, onward: onward.slice(0, onward.length - count) });
  const shortened = without(fewest(onward.length - 1, (count) => fits(without(count))));
  const before = new Set(onward.slice(shortened.onward.length));
  for (const decision of newestFirst) if (before.has(decision.backup)) decision.toItsEnd = beyond;
  return shortened;
}

/** The fewest steps that are enough, or all: each leaves less, so that it is found by halves. */
function fewest(all: number, isEnough: (count: number) => boolean): number {
  let [few, enough] = [0, Math.max(0, all)];
  while (enough - few > 1) {
    const middle = Math.floor((few + enough) / 2);
    if (isEnough(middle)) enough = middle;
    else few = middle;
  }
  return enough;
}

/** What may go, the oldest first: each with those that build on it and have not gone before. */
function removals(newestFirst: readonly Weighed[]): Weighed[][] {
  const oldestFirst = newestFirst.toReversed();
  const gone = new Set<string>();
  return oldestFirst.flatMap((oldest, place) => {
    if (!oldest.keep || oldest.isSafe || gone.has(oldest.backup.id)) return [];
    const going: Weighed[] = [];
    const ids = new Set([oldest.backup.id]);
    for (const decision of oldestFirst.slice(place)) {
      const { id, parent } = decision.backup;
      if (parent !== null && ids.has(parent)) ids.add(id);
      if (!ids.has(id) || !decision.keep || gone.has(id)) continue;
      gone.add(id);
      going.push(decision);
    }
    return [going];
  });
}
