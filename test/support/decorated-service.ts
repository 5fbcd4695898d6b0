import type { Cache, Cached } from '../../src/client/cache/index.ts';

/** A class with `@Cached` in all places where it may be. To be compiled: no runtime knows decorators yet. */
export function decoratedService(cachedBy: typeof Cached, cache: Cache) {
  let calls = 0;
  class OrderService {
    @cachedBy(cache, { ttl: '1m', tags: (order, id) => [`${order} ${id}`] })
    async find(id: number): Promise<string> {
      calls += 1;
      return `order ${id}, call ${calls}`;
    }

    @cachedBy(cache, { ttl: '1m' })
    static async count(): Promise<number> {
      return calls;
    }

    @cachedBy(cache, { ttl: '1m', name: 'secret' })
    async #secret(id: number): Promise<string> {
      return `secret ${id}`;
    }

    secret(id: number): Promise<string> {
      return this.#secret(id);
    }
  }
  return OrderService;
}
