import { Redis } from 'ioredis';
import { createCluster } from 'redis';
import { describe, expect, test } from 'vitest';
import { redisTier } from '../../src/client/cache/redis/index.ts';
import type { CacheTier } from '../../src/client/cache/tier.ts';
import { cacheTierCases, type TierStore } from '../../src/testing/index.ts';
import { startRedis, startRedisCluster } from '../support/redis.ts';
import { forAll, freshNamespace, ready } from './redis-support.ts';

const server = forAll(startRedis);
const cluster = forAll(() => startRedisCluster(3));

async function connected(tier: CacheTier): Promise<CacheTier> {
  await ready(tier);
  return tier;
}

/** A namespace on the server that all cases share, one after the other. */
function storeOnServer(client: () => { url: string } | { client: Redis }): TierStore {
  const namespace = freshNamespace();
  const onServer = async (work: (own: Redis) => Promise<unknown>): Promise<void> => {
    const own = new Redis(server().port, '127.0.0.1');
    await work(own);
    own.disconnect();
  };
  return {
    open: () => connected(redisTier({ ...client(), namespace })),
    damage: (key) =>
      onServer(async (own) => {
        expect(await own.exists(`${namespace}:v:${key}`)).toBe(1);
        await own.setrange(`${namespace}:v:${key}`, 60, 'damaged');
      }),
    forget: () => onServer((own) => own.flushall()),
    breakDown: () => server().stop(),
    mend: () => server().start(),
    async stop() {},
  };
}

describe('a tier with the package redis', () => {
  for (const { name, run } of cacheTierCases(() => storeOnServer(() => ({ url: server().url })))) test(name, run);
});

describe('a tier with a client of ioredis', () => {
  const client = () => ({ client: new Redis(server().port, '127.0.0.1', { lazyConnect: true }) });
  for (const { name, run } of cacheTierCases(() => storeOnServer(client))) test(name, run);
});

describe('a tier in a cluster of three nodes', () => {
  const start = (): TierStore => {
    const namespace = freshNamespace();
    return {
      open: () =>
        connected(
          redisTier({ client: createCluster({ rootNodes: cluster().urls.map((url) => ({ url })) }), namespace }),
        ),
      async stop() {},
    };
  };
  for (const { name, run } of cacheTierCases(start)) test(name, run);
});
