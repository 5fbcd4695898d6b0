import type { Cache } from '../cache.ts';

/** What is not true any more. */
export interface Outdated {
  keys?: readonly string[] | undefined;
  tags?: readonly string[] | undefined;
  /** See `Cache.invalidatePattern`. */
  patterns?: readonly string[] | undefined;
}

/** By name of a table, or of an event: what is outdated when a row of it has changed, or it has happened. */
export type InvalidationRules = Record<string, (subject: never) => Outdated>;

/** Something that knows when a transaction is committed: the client of `pool.transaction`. */
export interface Committing {
  onCommit(callback: () => unknown): void;
  /** When it is not known whether it was. */
  onOutcomeUnknown?(callback: () => unknown): void;
}

export interface Invalidators<Rules extends InvalidationRules> {
  /**
   * Invalidates what the rule says of each of them. Of a row that was updated give both what it was and what it is. Only when the
   * change is committed: whoever loads before that sees what was.
   */
  changed<Name extends keyof Rules>(name: Name, ...subjects: Parameters<Rules[Name]>[0][]): Promise<void>;
  /** The same when the transaction is committed, or may be, and not when it is rolled back. */
  changedIn<Name extends keyof Rules>(
    transaction: Committing,
    name: Name,
    ...subjects: Parameters<Rules[Name]>[0][]
  ): void;
}

/**
 * Says in one place what a change makes untrue.
 * @example
 * ```ts
 * const invalidators = createInvalidators(cache, {
 *   orders: (order: Order) => ({ keys: [cacheKey('order', order.id)], tags: [`customer:${order.customerId}`] }),
 * });
 * await invalidators.changed('orders', order);
 * ```
 */
export function createInvalidators<Rules extends InvalidationRules>(cache: Cache, rules: Rules): Invalidators<Rules> {
  const outdatedBy = <Name extends keyof Rules>(name: Name, subjects: readonly unknown[]): Outdated[] =>
    subjects.map((subject) => (rules[name] as (subject: unknown) => Outdated)(subject));
  return {
    changed: (name, ...subjects) => invalidateAll(cache, outdatedBy(name, subjects)),
    changedIn: (transaction, name, ...subjects) => {
      // What a rule throws shall undo the transaction rather than be lost after it.
      const outdated = outdatedBy(name, subjects);
      whenCommitted(transaction, () => invalidateAll(cache, outdated));
    },
  };
}

/** Calls back when a transaction is committed, and when nobody knows whether it is. */
export function whenCommitted(transaction: Committing, callback: () => unknown): void {
  transaction.onCommit(callback);
  transaction.onOutcomeUnknown?.(callback);
}

/** Invalidates all of it, each but once. */
export async function invalidateAll(cache: Cache, outdated: readonly Outdated[]): Promise<void> {
  const all = (kind: keyof Outdated): string[] => [...new Set(outdated.flatMap((each) => each[kind] ?? []))];
  await Promise.all([
    cache.delete(...all('keys')),
    cache.invalidateTags(...all('tags')),
    cache.invalidatePattern(...all('patterns')),
  ]);
}
