import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { testFolder } from '../../../test/support/folder.ts';
import { noOwnRedis, startRedis } from '../../../test/support/redis.ts';
import { type CacheTier, createCache, fileTier, redisTier } from '../cache/index.ts';
import { responseCache } from './response-cache.ts';

/** How processes share a tier; each call is one more process. */
const ways: Record<string, () => Promise<() => CacheTier>> = {
  async redis() {
    const server = await startRedis();
    onTestFinished(() => server[Symbol.asyncDispose]());
    return () => redisTier({ url: server.url, namespace: 'shop' });
  },
  async files() {
    const folder = testFolder();
    return () => fileTier({ folder });
  },
};

describe.each(Object.keys(ways))('processes that share a tier of %s', (name) => {
  test('are given what another one has kept, encoded and not, until one voids it', async ({ skip }) => {
    const missing = name === 'redis' ? noOwnRedis() : undefined;
    if (missing !== undefined) skip(`not tested here: ${missing}`);
    const tier = await (ways[name] as (typeof ways)[string])();
    let count = 0;
    const tiers = [tier(), tier()];
    // Until they are connected a cache does without them.
    await Promise.all(tiers.map((each) => vi.waitFor(() => each.invalidate([]), { timeout: 20_000 })));
    const started = tiers.map((each) => {
      const cache = createCache({ tiers: [each] });
      onTestFinished(() => cache.close());
      const cached = responseCache(cache, { ttl: '1m', tags: () => ['pages'] });
      const handle = cached(({ headers }: Request) => {
        const body = `${(count += 1)} ${headers.get('accept-language')} ${'größe '.repeat(1000)}`;
        return new Response(body, {
          headers: { 'content-type': 'text/plain; charset=utf-8', vary: 'accept-language' },
        });
      });
      const ask = async (language: string, encoding = 'identity'): Promise<[string | null, string, number]> => {
        const headers = { 'accept-language': language, 'accept-encoding': encoding };
        const answer = await handle(new Request('http://shop.example/page', { headers }));
        const { length } = await answer.clone().bytes();
        expect(answer.headers.get('content-length')).toBe(String(length));
        return [answer.headers.get('content-encoding'), (await answer.text()).slice(0, 4), length];
      };
      return { cache, cached, ask };
    });
    const [a, b] = started;
    if (!a || !b) throw new Error('two were started');
    const [, , length] = await a.ask('en');
    expect(await a.ask('fr')).toEqual([null, '2 fr', length]);
    await a.cache.settled();
    expect(await b.ask('en')).toEqual([null, '1 en', length]);
    expect(await b.ask('fr')).toEqual([null, '2 fr', length]);
    const [encoding, , encodedLength] = await b.ask('fr', 'gzip');
    expect(encoding).toBe('gzip');
    expect(encodedLength).toBeLessThan(length / 2);
    await b.cached.invalidateTags('pages');
    expect(await b.ask('fr')).toEqual([null, '3 fr', length]);
    await expect.poll(async () => (await a.ask('fr'))[1]).toBe('3 fr');
    await a.cached.invalidateRoute('/page');
    expect((await a.ask('en'))[1]).toBe('4 en');
    await expect.poll(async () => (await b.ask('en'))[1]).toBe('4 en');
  });
});
