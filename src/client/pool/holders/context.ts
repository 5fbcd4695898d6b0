import { AsyncLocalStorage } from 'node:async_hooks';
import type { Holder } from './holder.ts';

/** A holder, and the one inside whose function its own runs. */
interface Holding {
  holder: Holder;
  outer: Holding | undefined;
}

/** One for all pools: what a holder of one waits for may be a connection of another. */
const holding = new AsyncLocalStorage<Holding>();

/** Runs a function, and all that it awaits, as the holder's. */
export function runHolding<T>(holder: Holder, fn: () => T): T {
  return holding.run({ holder, outer: holding.getStore() }, fn);
}

/** The holders inside whose functions the caller runs, as far as they still hold. */
export function enclosingHolders(): Holder[] {
  const holders: Holder[] = [];
  for (let at = holding.getStore(); at; at = at.outer) if (!at.holder.released) holders.push(at.holder);
  return holders;
}
