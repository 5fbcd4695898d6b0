import { failureCases } from './cache-tier/failures.ts';
import { invalidationCases } from './cache-tier/invalidations.ts';
import { keepingCases } from './cache-tier/keeping.ts';
import { noteCases } from './cache-tier/notes.ts';
import { optionalCases } from './cache-tier/optional.ts';
import { type Case, Handles, type TierStore } from './cache-tier/support.ts';
import { truthCase } from './cache-tier/truth.ts';

export type { TierStore };

/** One promise of a tier, as a test. */
export interface CacheTierCase {
  readonly name: string;
  /** Rejects with an `AssertionError` of `node:assert` when the promise is not kept. */
  run(): Promise<void>;
}

export interface CacheTierCaseOptions {
  /** How long a case waits for what comes by itself (what other handles are told, leases that end), in ms; 10 s by default. */
  readonly patienceMs?: number | undefined;
}

/**
 * The tests that every tier of a cache must pass, for any test runner.
 *
 * @param start gives an empty store of the tier; called once by each case
 * @example
 * for (const { name, run } of cacheTierCases(startStore)) test(name, run);
 */
export function cacheTierCases(
  start: () => Promise<TierStore> | TierStore,
  { patienceMs = 10_000 }: CacheTierCaseOptions = {},
): CacheTierCase[] {
  const all: Case[] = [
    ...keepingCases,
    ...invalidationCases,
    ...noteCases,
    ...optionalCases,
    ...failureCases,
    truthCase,
  ];
  return all.map(({ name, check }) => ({
    name,
    run: async () => {
      const store = await start();
      const handles = new Handles(store, patienceMs);
      try {
        await check(handles, store);
      } finally {
        await handles.close();
        await store.stop();
      }
    },
  }));
}
