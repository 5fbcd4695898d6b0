import { afterAll, beforeAll, beforeEach, onTestFinished, vi } from 'vitest';
import type { Entry } from '../../src/client/cache/entry.ts';
import type { Invalidation } from '../../src/client/cache/invalidation.ts';
import { redisTier, type RedisTierOptions } from '../../src/client/cache/redis/index.ts';
import type { CacheTier } from '../../src/client/cache/tier.ts';
import { noOwnRedis } from '../support/redis.ts';

/** Skips the tests of a file where there can be no server of ours, and says why. */
export function needsRedis(): void {
  beforeEach(({ skip }) => {
    const reason = noOwnRedis();
    if (reason !== undefined) skip(`not tested here: ${reason}`);
  });
}

/** Starts something for all tests of a file. @returns how to get at it in a test */
export function forAll<Started extends AsyncDisposable>(start: () => Promise<Started>): () => Started {
  needsRedis();
  let started: Started | undefined;
  beforeAll(async () => {
    if (noOwnRedis() === undefined) started = await start();
  });
  afterAll(() => started?.[Symbol.asyncDispose]());
  return () => {
    if (started === undefined) throw new Error('nothing is started yet');
    return started;
  };
}

let namespaces = 0;

/** A namespace that no other test uses. */
export function freshNamespace(): string {
  namespaces += 1;
  return `test-${process.pid}-${namespaces}`;
}

/** A tier that is closed when the running test is finished. */
export function tier(options: RedisTierOptions): CacheTier {
  const made = redisTier(options);
  onTestFinished(() => made.close());
  return made;
}

/** Tiers of one namespace that are connected, as two processes would have them. */
export async function pairOf(options: RedisTierOptions): Promise<[CacheTier, CacheTier]> {
  const shared = { namespace: freshNamespace(), ...options };
  const tiers: [CacheTier, CacheTier] = [tier(shared), tier(shared)];
  await ready(...tiers);
  return tiers;
}

/** Waits until they are connected, however busy the machine is. */
export async function ready(...tiers: CacheTier[]): Promise<void> {
  await Promise.all(tiers.map((each) => vi.waitFor(() => each.invalidate([]), { timeout: 20_000 })));
}

export function entry(value: unknown, tags: readonly string[] = [], ttlMs = 60_000): Entry {
  const now = Date.now();
  return { value, createdAt: now, freshUntil: now + ttlMs, keptUntil: now + ttlMs, tags, loadMs: 1 };
}

export const key = 'orders:1';
export const tags = ['orders'];

/** Every way to invalidate an entry with that key and those tags. */
export const ways: [string, Invalidation][] = [
  ['a key', { kind: 'key', key }],
  ['a tag', { kind: 'tag', tag: 'orders' }],
  ['a prefix', { kind: 'prefix', prefix: 'orders:' }],
  ['a pattern', { kind: 'pattern', pattern: 'ord*1' }],
  ['all', { kind: 'all' }],
];
