import { createClient, createSentinel } from 'redis';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Heard } from '../../src/client/cache/tier.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { entry, key, needsRedis, pairOf, ready, tags } from './redis-support.ts';

needsRedis();

async function ownServer(settings: Record<string, string> = {}): Promise<RedisServer> {
  const server = await startRedis(settings);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

async function told(server: RedisServer, ...command: string[]): Promise<string> {
  const client = createClient({ url: server.url });
  await client.connect();
  const answer = JSON.stringify(await client.sendCommand(command));
  client.destroy();
  return answer;
}

test('a replica that takes over without the last invalidations is not believed', async () => {
  const primary = await ownServer();
  const replica = await ownServer({ replicaof: `127.0.0.1 ${primary.port}` });
  const sentinel = await ownServer({ 'sentinel monitor': `main 127.0.0.1 ${primary.port} 1` });
  const client = createSentinel({ name: 'main', sentinelRootNodes: [{ host: '127.0.0.1', port: sentinel.port }] });
  const [a, b] = await pairOf({ client, timeout: 1000 });
  const heard: Heard[] = [];
  b.onHeard((each) => heard.push(each));
  await a.set(key, entry('old', tags), a.position());
  expect((await b.get(key))?.value).toBe('old');
  await expect.poll(() => told(replica, 'KEYS', '*:v:*'), { timeout: 20_000 }).toContain(key);
  // It gets no more from the primary, as in the moment before a primary is lost.
  await told(replica, 'REPLICAOF', 'NO', 'ONE');
  await a.invalidate([{ kind: 'tag', tag: 'orders' }]);
  const before = b.position();
  expect(await b.get(key)).toBeUndefined();
  await told(sentinel, 'SENTINEL', 'REMOVE', 'main');
  await told(sentinel, 'SENTINEL', 'MONITOR', 'main', '127.0.0.1', String(replica.port), '1');
  await primary.stop();

  await ready(a, b);
  expect(await told(replica, 'KEYS', '*:v:*')).toContain(key);
  expect(await b.get(key)).toBeUndefined();
  expect(await a.get(key)).toBeUndefined();
  expect(heard).toContain('unknown');
  expect(await b.set(key, entry('late', tags), before)).toBe(false);
  await vi.waitFor(async () => expect(await a.set(key, entry('new', tags), a.position())).toBe(true), {
    timeout: 20_000,
  });
  expect((await b.get(key))?.value).toBe('new');
});
