import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createClient } from 'redis';
import { expect, onTestFinished, test, vi } from 'vitest';
import { redisTier } from '../../src/client/cache/redis/index.ts';
import type { CacheTier, Heard } from '../../src/client/cache/tier.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';
import { entry, freshNamespace, key, needsRedis, pairOf, ready, tags, tier } from './redis-support.ts';

needsRedis();

async function ownServer(settings: Record<string, string> = {}): Promise<RedisServer> {
  const server = await startRedis(settings);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

async function admin(server: RedisServer) {
  const client = createClient({ url: server.url, socket: { reconnectStrategy: false } });
  client.on('error', () => {});
  await client.connect();
  onTestFinished(() => client.destroy());
  return client;
}

function heardBy(listener: CacheTier): Heard[] {
  const heard: Heard[] = [];
  listener.onHeard((each) => heard.push(each));
  return heard;
}

const tag = { kind: 'tag', tag: 'orders' } as const;
const unavailable = { code: 'E_CACHE_TIER' };

test('a subscriber that was cut off learns that it has missed something', async () => {
  const server = await ownServer();
  const own = await admin(server);
  const [a, b] = await pairOf({ url: server.url });
  const heard = heardBy(b);
  await a.set(key, entry('old', tags), a.position());
  const before = b.position();
  for (let round = 0; round < 5; round += 1) {
    heard.length = 0;
    await own.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
    await vi.waitFor(() => a.invalidate([tag]), { timeout: 10_000 });
    await expect.poll(() => heard.length, { timeout: 10_000 }).toBeGreaterThan(0);
    // Heard, if it was back already.
    expect(['unknown', [tag]]).toContainEqual(heard[0]);
    await ready(b);
    expect(await b.get(key)).toBeUndefined();
    expect(await b.set(key, entry('late', tags), before)).toBe(false);
  }
});

test('a lost message is noticed by the next one, and by the number when none follows', async () => {
  const server = await ownServer();
  const own = await admin(server);
  const namespace = freshNamespace();
  const listening = tier({ url: server.url, namespace });
  const heard = heardBy(listening);
  await ready(listening);
  await listening.set(key, entry('old', tags), listening.position());
  // What another process does whose message gets lost.
  const invalidated = async (): Promise<void> => {
    const at = await own.hIncrBy(`{${namespace}}:state`, 'at', 1);
    await own.zAdd(`{${namespace}}:names`, { score: at, value: 'torders' });
    await own.hSet(`{${namespace}}:state`, 'names', '1');
  };
  await invalidated();
  await expect.poll(() => heard, { timeout: 10_000 }).toEqual(['unknown']);
  expect(await listening.get(key)).toBeUndefined();
  heard.length = 0;
  await listening.set(key, entry('anew', tags), listening.position());
  expect((await listening.get(key))?.value).toBe('anew');
  await invalidated();
  const other = tier({ url: server.url, namespace });
  await ready(other);
  await other.invalidate([{ kind: 'tag', tag: 'something else' }]);
  await expect.poll(() => heard[0]).toBe('unknown');
  expect(await listening.get(key)).toBeUndefined();
});

test('what is missed after a gap was noticed, before all is known again, is told as missed as well', async () => {
  const server = await ownServer();
  const own = await admin(server);
  const namespace = freshNamespace();
  const [a, b] = await pairOf({ url: server.url, namespace });
  const heard = heardBy(b);
  const { epoch, at } = b.position();
  // A message of the future, and no answer to the question that follows.
  const [gap] = await own
    .multi()
    .publish(`{${namespace}}:heard`, `${epoch} ${at + 9} someone []`)
    .addCommand(['CLIENT', 'PAUSE', '600', 'ALL'])
    .exec();
  expect(gap).toBe(2);
  await expect.poll(() => heard, { timeout: 10_000 }).toEqual(['unknown']);
  await expect(b.get(key)).rejects.toMatchObject(unavailable);
  await vi.waitFor(() => a.invalidate([tag]), { timeout: 10_000 });
  await ready(b);
  expect(['unknown', [tag]]).toContainEqual(heard.at(1));
});

test('a note that is lost is noticed, costs no name and voids nothing', async () => {
  const server = await ownServer();
  const own = await admin(server);
  const proxy = await tcpProxy(server.url);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const namespace = freshNamespace();
  const [a, b] = [tier({ url: server.url, namespace }), tier({ url: proxy.url(server.url), namespace })];
  const heard = heardBy(b);
  await ready(a, b);
  await a.set(key, entry('kept', tags), a.position());
  await a.invalidate([{ kind: 'note', text: 'one' }]);
  await expect.poll(() => heard, { timeout: 10_000 }).toEqual([[{ kind: 'note', text: 'one' }]]);
  expect(await own.hmGet(`{${namespace}}:state`, ['at', 'floor', 'names'])).toEqual(['1', '0', '0']);
  expect((await own.keys(`*${namespace}*`)).toSorted()).toEqual([`${namespace}:v:${key}`, `{${namespace}}:state`]);
  proxy.silence();
  await a.invalidate([{ kind: 'note', text: 'lost' }]);
  await expect(b.get(key)).rejects.toMatchObject(unavailable);
  await own.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
  proxy.resume();
  await ready(a, b);
  expect(['unknown', [{ kind: 'note', text: 'lost' }]]).toContainEqual(heard.at(1));
  expect((await b.get(key))?.value).toBe('kept');
});

test('a connection for messages that is silently dead is noticed', async () => {
  const server = await ownServer();
  const proxy = await tcpProxy(server.url);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const namespace = freshNamespace();
  const [a, b] = [tier({ url: server.url, namespace }), tier({ url: proxy.url(server.url), namespace })];
  const heard = heardBy(b);
  await ready(a, b);
  await b.set(key, entry('old', tags), b.position());
  proxy.silence();
  await a.invalidate([tag]);
  await expect(b.get(key)).rejects.toMatchObject(unavailable);
  proxy.resume();
  await expect.poll(() => heard.length, { timeout: 10_000 }).toBeGreaterThan(0);
  await ready(b);
  expect(await b.get(key)).toBeUndefined();
});

test('after a restart nothing of before is given or kept, and all is well again', async () => {
  const server = await ownServer();
  const [a, b] = await pairOf({ url: server.url });
  const heard = heardBy(b);
  await a.set(key, entry('old', tags), a.position());
  const before = b.position();
  await server.stop();
  await expect.poll(() => b.get(key).catch((error: unknown) => error)).toMatchObject(unavailable);
  await expect(a.invalidate([tag])).rejects.toMatchObject(unavailable);
  await server.start();
  await ready(a, b);
  expect(heard).toContain('unknown');
  expect(await b.get(key)).toBeUndefined();
  expect(await b.set(key, entry('late', tags), before)).toBe(false);
  expect(await a.set(key, entry('new', tags), a.position())).toBe(true);
  expect((await b.get(key))?.value).toBe('new');
});

test('what a server has saved before it was restarted is not believed', async () => {
  const server = await ownServer();
  const own = await admin(server);
  const [a, b] = await pairOf({ url: server.url });
  await a.set(key, entry('old', tags), a.position());
  await own.sendCommand(['SAVE']);
  await a.invalidate([tag]);
  await server.stop();
  await server.start();
  const again = await admin(server);
  expect((await again.keys('*:v:*')).length).toBe(1);
  await ready(a, b);
  expect(await a.get(key)).toBeUndefined();
  expect(await b.get(key)).toBeUndefined();
});

test('a frozen server costs a bounded time, and nothing piles up', async () => {
  const server = await ownServer();
  const [a, b] = await pairOf({ url: server.url, timeout: 500 });
  await a.set(key, entry('old', tags), a.position());
  server.freeze();
  await expect(b.get(key)).rejects.toMatchObject(unavailable);
  const began = performance.now();
  const many = await Promise.allSettled(Array.from({ length: 5000 }, () => b.get(key)));
  expect(many.every(({ status }) => status === 'rejected')).toBe(true);
  // Each for itself would have had to wait in turn.
  expect(performance.now() - began).toBeLessThan(30_000);
  server.thaw();
  await ready(a, b);
  expect((await b.get(key))?.value).toBe('old');
  await a.invalidate([tag]);
  expect(await b.get(key)).toBeUndefined();
});

test('a full server keeps no more entries, yet takes every invalidation', async () => {
  const server = await ownServer({ maxmemory: '4mb', 'maxmemory-policy': 'noeviction' });
  const [a, b] = await pairOf({ url: server.url, compressAbove: Infinity });
  await a.set(key, entry('kept', tags), a.position());
  await a.set('orders:2', entry('kept', tags), a.position());
  for (let i = 0; i < 100 && a.stats().evictions < 5; i += 1) {
    await a.set(`fill:${i}`, entry('x'.repeat(100_000)), a.position());
  }
  expect(a.stats().evictions).toBe(5);
  expect((await b.get(key))?.value).toBe('kept');
  await a.invalidate([{ kind: 'key', key }]);
  expect(await b.get(key)).toBeUndefined();
  expect((await b.get('orders:2'))?.value).toBe('kept');
  await a.invalidate([tag, { kind: 'prefix', prefix: 'fill:' }]);
  expect(await b.get('orders:2')).toBeUndefined();
  expect((await b.getMany(['fill:0', 'fill:1'])).size).toBe(0);
});

test('a server that evicts what it knows of invalidations is not believed', async () => {
  const server = await ownServer();
  const own = await admin(server);
  const namespace = freshNamespace();
  const a = tier({ url: server.url, namespace });
  await ready(a);
  await a.set(key, entry('old', tags), a.position());
  await a.set('other:1', entry('old'), a.position());
  await a.invalidate([tag]);
  await own.del(`{${namespace}}:names`);
  const b = tier({ url: server.url, namespace });
  await ready(b);
  expect(await b.get(key)).toBeUndefined();
  await ready(a);
  expect(await a.get(key)).toBeUndefined();
  expect(await a.set(key, entry('new', tags), a.position())).toBe(true);
  expect((await b.get(key))?.value).toBe('new');
  await own.del(`{${namespace}}:state`);
  await a.invalidate([tag]);
  expect(await b.get(key)).toBeUndefined();
});

test('a slow server is given up in time, and used again when it is quick', async () => {
  const server = await ownServer();
  const proxy = await tcpProxy(server.url);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const slow = tier({ url: proxy.url(server.url), namespace: freshNamespace(), timeout: 500 });
  await ready(slow);
  expect(await slow.set(key, entry(1), slow.position())).toBe(true);
  proxy.delay(1000);
  await expect(slow.get(key)).rejects.toMatchObject({
    ...unavailable,
    message: 'Redis did not answer within 500 ms',
    hint: expect.any(String),
  });
  proxy.delay(0);
  await vi.waitFor(async () => expect((await slow.get(key))?.value).toBe(1), { timeout: 10_000 });
});

test('a right to load that could not be given up is given up when Redis can be reached again', async () => {
  const server = await ownServer();
  const proxy = await tcpProxy(server.url);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const namespace = freshNamespace();
  const [a, b] = [tier({ url: proxy.url(server.url), namespace }), tier({ url: server.url, namespace })];
  await ready(a, b);
  const lease = await a.lease?.(key, 600_000);
  expect(await b.lease?.(key, 600_000)).toBeUndefined();
  const waiting = b.waitFor?.(key, 600_000);
  proxy.refuse(true);
  proxy.cut();
  await expect(lease?.release()).rejects.toMatchObject(unavailable);
  proxy.refuse(false);
  expect(await waiting).toBe(true);
  expect(await b.lease?.(key, 600_000)).toBeDefined();
});

test('names beyond the limit are forgotten, with the entries from before them', async () => {
  const server = await ownServer();
  const own = await admin(server);
  const namespace = freshNamespace();
  const a = tier({ url: server.url, namespace, history: 100 });
  await ready(a);
  await a.set(key, entry('old', tags), a.position());
  for (let i = 0; i < 3; i += 1) {
    await a.invalidate(Array.from({ length: 90 }, (_, n) => ({ kind: 'tag', tag: `${i}:${n}` }) as const));
  }
  expect(await own.zCard(`{${namespace}}:names`)).toBe(100);
  // It has heard of all of them itself; who comes later has not.
  expect((await a.get(key))?.value).toBe('old');
  const later = tier({ url: server.url, namespace });
  await ready(later);
  expect(await later.get(key)).toBeUndefined();
  expect(await later.set(key, entry('new', tags), later.position())).toBe(true);
  expect((await a.get(key))?.value).toBe('new');
});

test('without a server, or with a wrong password, it rejects and says why, without the password', async () => {
  const server = await ownServer({ requirepass: 'correct' });
  const wrong = tier({ url: `redis://:very-secret@127.0.0.1:${server.port}`, namespace: freshNamespace() });
  const error = await wrong.get(key).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ ...unavailable, detail: expect.stringMatching(/WRONGPASS/) });
  expect(JSON.stringify(error) + String(error)).not.toContain('very-secret');
  await server.stop();
  const nobody = tier({ url: server.url, namespace: freshNamespace() });
  await expect(nobody.get(key)).rejects.toMatchObject({
    ...unavailable,
    detail: expect.stringMatching(/ECONNREFUSED/),
  });
});

test('what cannot be meant is refused at once, without its password', () => {
  const thrown = (options: Parameters<typeof redisTier>[0]): unknown => {
    try {
      void redisTier(options).close();
    } catch (error) {
      return error;
    }
  };
  expect(thrown({})).toMatchObject({ code: 'E_CONFIG' });
  expect(thrown({ url: 'redis://localhost', namespace: 'a{b}' })).toMatchObject({ code: 'E_CONFIG' });
  expect(thrown({ url: 'redis://localhost', timeout: 0 })).toMatchObject({ code: 'E_CONFIG' });
  for (const url of ['redis://:se#cret/@host:port', 'http://:se-cret@host', 'nonsense se-cret']) {
    const error = thrown({ url });
    expect(error).toMatchObject({ code: 'E_CONFIG' });
    expect(`${String(error)} ${JSON.stringify(error)} ${String((error as Error).cause)}`).not.toMatch(
      /se-cret|se#cret/,
    );
  }
  expect(thrown({ client: { duplicate: () => ({}) } })).toMatchObject({ code: 'E_CONFIG' });
});

test('without the package redis a URL is refused with what to install, and a client is not', async () => {
  const module = JSON.stringify(join(import.meta.dirname, '../../src/client/cache/redis/index.ts'));
  const program = `
    import { registerHooks } from 'node:module';
    registerHooks({ resolve(name, context, next) {
      if (name === 'redis') throw Object.assign(new Error('not found'), { code: 'MODULE_NOT_FOUND' });
      return next(name, context);
    } });
    const { redisTier } = await import(${module});
    const { Redis } = await import('ioredis');
    const client = new Redis(1, { lazyConnect: true });
    await redisTier({ client }).close();
    try { redisTier({ url: 'redis://localhost' }); } catch ({ code, hint }) { console.log(JSON.stringify({ code, hint })); }
  `;
  const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '--eval', program], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  expect(JSON.parse(await text(child.stdout))).toEqual({ code: 'E_MISSING_PACKAGE', hint: 'npm install redis' });
});
