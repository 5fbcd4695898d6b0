import type { CacheState } from './types.ts';

/** A tier over several processes. */
export interface TierState {
  name: string;
  entries: number | null;
  bytes: number | null;
  /** Processes that cannot reach it. */
  away: number;
}

/**
 * Tiers of several processes together. Memory is each process's own and adds up; a tier that they share is as large as any of them
 * says.
 */
export function tiersOf(states: readonly Pick<CacheState, 'tiers'>[]): TierState[] {
  const tiers = new Map<string, TierState>();
  for (const { name, entries, bytes, isAway } of states.flatMap((state) => state.tiers)) {
    const known = tiers.get(name) ?? { name, entries: null, bytes: null, away: 0 };
    const merge = name === 'memory' ? (one: number, other: number) => one + other : Math.max;
    tiers.set(name, {
      name,
      entries: together(known.entries, entries, merge),
      bytes: together(known.bytes, bytes, merge),
      away: known.away + (isAway ? 1 : 0),
    });
  }
  return [...tiers.values()];
}

function together(
  one: number | null,
  other: number | null,
  merge: (one: number, other: number) => number,
): number | null {
  if (one === null || other === null) return one ?? other;
  return merge(one, other);
}
