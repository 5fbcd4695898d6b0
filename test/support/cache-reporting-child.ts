import { createCache, createWarmer } from '../../src/client/cache/index.ts';
import { cacheReporting, createTelemetry, Reporter } from '../../src/index.ts';

/**
 * A process of an application that reports its cache. Arguments: URL of the daemon, `warmer` where it has one. Told a key, it says
 * what its cache has for it; it says `ready` when it has reported.
 */
const [url = '', ...has] = process.argv.slice(2);
const cache = createCache();
await cache.set('orders:1', 'one', { tags: ['orders'] });
await cache.set('products:1', 'lamp', { tags: ['products'] });
const bestsellers = createWarmer(cache, {
  name: 'bestsellers',
  keys: ['products:1', 'products:2'],
  load: (key) => cache.remember(key, '1h', () => `warm ${key}`),
});
const telemetry = createTelemetry();
telemetry.observeCache(cacheReporting(cache, { name: 'catalogue' }), {
  warmers: has.includes('warmer') ? [bestsellers] : [],
});
const reporter = new Reporter({ url, application: 'shop', intervalMs: 300 }, { telemetry, endpoints: () => [] });
process.on('message', (key: string) => process.send?.({ key, value: cache.peek(key) ?? null }));
process.on('disconnect', () => process.exit());
await reporter.flush();
process.send?.(reporter.lastError ?? 'ready');
