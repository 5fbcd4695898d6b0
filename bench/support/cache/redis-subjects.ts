import { createClient, RESP_TYPES } from 'redis';
import { createCache, redisTier } from '../../../src/client/cache/index.ts';
import { keyCount, productOf } from './subjects.ts';

/** One way to read from Redis. */
export interface RedisSubject {
  get(key: string): Promise<unknown>;
  getMany(keys: readonly string[]): Promise<unknown>;
  close(): Promise<unknown>;
}

export const rawName = 'raw redis';

const keys = Array.from({ length: keyCount }, (_, i) => `product:${i}`);

/** Each has put in the same values before it is measured. */
export const redisSubjects: Record<string, (url: string) => Promise<RedisSubject>> = {
  /** Without its memory: every get goes to Redis, and is decoded. */
  Pitcrew: async (url) => {
    const cache = createCache({ memory: false, tiers: [redisTier({ url, namespace: 'bench' })] });
    await cache.setMany(
      keys.map((key) => [key, productOf(key)] as const),
      { ttl: '1h', tags: ['products'] },
    );
    return { get: (key) => cache.get(key), getMany: (each) => cache.getMany(each), close: () => cache.close() };
  },
  /** Bytes as they are, of the same length as what the other one reads. */
  [rawName]: async (url) => {
    const client = createClient({ url, RESP: 3 }).withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
    client.on('error', () => {});
    await client.connect();
    for (const key of keys) await client.set(`raw:${key}`, Buffer.alloc(150, JSON.stringify(productOf(key))));
    return {
      get: (key) => client.get(`raw:${key}`),
      getMany: (each) => client.mGet(each.map((key) => `raw:${key}`)),
      close: () => client.close(),
    };
  },
  /** What an application writes by hand, without tags, times and checksums: values as JSON, in a map by their keys where there are many. */
  'raw redis, JSON.parse': async (url) => {
    const client = createClient({ url, RESP: 3 });
    client.on('error', () => {});
    await client.connect();
    for (const key of keys) await client.set(`json:${key}`, JSON.stringify(productOf(key)));
    const valueOf = (text: string | null | undefined): unknown => (text == null ? undefined : JSON.parse(text));
    return {
      get: async (key) => valueOf(await client.get(`json:${key}`)),
      getMany: async (each) => {
        const texts = await client.mGet(each.map((key) => `json:${key}`));
        return new Map(each.map((key, index) => [key, valueOf(texts[index])]));
      },
      close: () => client.close(),
    };
  },
};
