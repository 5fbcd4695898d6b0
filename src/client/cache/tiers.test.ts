import { expect, onTestFinished, test } from 'vitest';
import { testFolder } from '../../../test/support/folder.ts';
import { gatedTier } from '../../../test/support/gated-tier.ts';
import { type Cache, type CacheOptions, createCache, fileTier } from './index.ts';

function cacheOf(options: CacheOptions): Cache {
  const cache = createCache(options);
  onTestFinished(() => cache.close());
  return cache;
}

const ways: [string, (cache: Cache) => Promise<void>][] = [
  ['a key', (cache) => cache.delete('orders:1')],
  ['a tag', (cache) => cache.invalidateTags('orders')],
  ['a prefix', (cache) => cache.invalidatePattern('orders:*')],
  ['a pattern', (cache) => cache.invalidatePattern('*:1')],
  ['all', (cache) => cache.clear()],
];

test.each(ways)(
  'what a tier gives while it is being told that %s is void is given to nobody, and kept nowhere',
  async (_, invalidate) => {
    const [near, far] = [gatedTier(fileTier({ folder: testFolder() })), gatedTier(fileTier({ folder: testFolder() }))];
    const cache = cacheOf({ tiers: [near.tier, far.tier] });
    await cache.set('orders:1', 'old', { tags: ['orders'] });
    await cache.set('others:2', 'other');
    const { release } = far.hold();
    const invalidated = invalidate(cache);
    expect(await cache.get('orders:1')).toBeUndefined();
    expect(await cache.getMany(['orders:1'])).toEqual(new Map());
    expect(await cache.remember('orders:1', '1m', () => 'new', { tags: ['orders'] })).toBe('new');
    await cache.settled();
    release();
    await invalidated;
    expect([undefined, 'new']).toContain(await cache.get('orders:1'));
    for (const tier of [near.tier, far.tier]) expect((await tier.get('orders:1'))?.value).not.toBe('old');
  },
);

test('what another process has invalidated is not given by tiers that have yet to be told', async () => {
  const shared = testFolder();
  const far = gatedTier(fileTier({ folder: testFolder() }));
  const other = cacheOf({ tiers: [fileTier({ folder: shared })] });
  const cache = cacheOf({ tiers: [fileTier({ folder: shared, pollMs: 5 }), far.tier] });
  await cache.set('orders:1', 'old', { tags: ['orders'] });
  const { release } = far.hold();
  await other.invalidateTags('orders');
  expect(await cache.get('nothing')).toBeUndefined();
  expect(await cache.get('orders:1')).toBeUndefined();
  release();
  await expect.poll(() => far.told).toContainEqual({ kind: 'tag', tag: 'orders' });
  expect(await cache.get('orders:1')).toBeUndefined();
  expect(await other.get('orders:1')).toBeUndefined();
});

test('a tier that is back is told of all that was invalidated meanwhile, however much it was', async () => {
  const { tier, breakDown, mend, hold } = gatedTier(fileTier({ folder: testFolder() }));
  const cache = cacheOf({ tiers: [tier] });
  await cache.set('key', 'old', { tags: ['tag'] });
  breakDown();
  const few = Array.from({ length: 20 }, (_, i) => `other:${i}`);
  await cache.invalidateTags(...few);
  mend();
  const { reached, release } = hold();
  const isBack = expect.poll(() => cache.get('something').then(() => cache.stats().tiers[1]?.isAway), {
    timeout: 10_000,
  });
  const back = isBack.toBe(false);
  // While it is being told of those few.
  await reached;
  const many = Array.from({ length: 10_001 }, (_, i) => `tag:${i}`);
  const invalidated = cache.invalidateTags('tag', ...many);
  release();
  await invalidated;
  await back;
  expect(await tier.get('key')).toBeUndefined();
});

test('a tier comes back though something is invalidated all the time', async () => {
  const { tier, breakDown, mend } = gatedTier(fileTier({ folder: testFolder() }));
  const cache = cacheOf({ tiers: [tier] });
  await cache.get('key');
  breakDown();
  await cache.invalidateTags('tag');
  mend();
  const over = new AbortController();
  const invalidating = (async () => {
    for (let n = 0; !over.signal.aborted; n += 1) {
      void cache.invalidateTags(`tag:${n}`);
      await new Promise(setImmediate);
    }
  })();
  await expect
    .poll(
      async () => {
        await cache.get('something');
        return cache.stats().tiers[1]?.isAway;
      },
      { timeout: 20_000 },
    )
    .toBe(false);
  over.abort();
  await invalidating;
});
