import type { Cache } from '../cache/index.ts';
import { withoutConditions } from './conditions.ts';
import { ResponseCacheCore } from './core.ts';
import type { ResponseCacheOptions } from './options.ts';

/** What can be said to every response cache. */
export interface Invalidating {
  /**
   * Voids what is kept for a route and all below it, with any query, and of all users.
   * @param pattern `/orders/:id`, `/orders/[id]`, `/files/*`
   * @param params of the pattern; one that is not given stands for any value
   */
  invalidateRoute(pattern: string, params?: Readonly<Record<string, string | number>>): Promise<void>;
  /** Voids what bears one of the tags: responses, and all else of the same `Cache`. */
  invalidateTags(...tags: readonly string[]): Promise<void>;
  /** Voids all responses. */
  clear(): Promise<void>;
}

export interface ResponseCache extends Invalidating {
  /** Wraps a handler; what it is given besides the request it is given as it is. */
  <Asked extends Request, Rest extends unknown[]>(
    handler: Handler<Asked, Rest>,
  ): (request: Asked, ...rest: Rest) => Promise<Response>;
}

type Handler<Asked extends Request, Rest extends unknown[]> = (
  request: Asked,
  ...rest: Rest
) => Promise<Response> | Response;

/** Requests that a response cache is at work on: inside another one it would wait for itself. */
const underWay = new WeakSet<Request>();

/**
 * Caches the responses of handlers that take a `Request` and give a `Response`, as those of Next.js, Hono, Deno and Bun. Each request
 * runs in a scope of its own, as with `withScope`.
 * @example
 * ```ts
 * const cached = responseCache(createCache(), { ttl: '1m', staleWhileRevalidate: '10m' });
 * export const GET = cached(async (request: Request) => Response.json(await products(request)));
 * ```
 * @throws `E_CONFIG` for options that make no sense
 */
export function responseCache(cache: Cache, options: ResponseCacheOptions = {}): ResponseCache {
  const core = new ResponseCacheCore<Request>(cache, options);
  const wrap =
    <Asked extends Request, Rest extends unknown[]>(handler: Handler<Asked, Rest>) =>
    (request: Asked, ...rest: Rest): Promise<Response> => {
      if (underWay.has(request)) return Promise.resolve(handler(request, ...rest));
      return core.inScope(request, request, async () => {
        const asked = await core.asked(request, request);
        if (!asked) return core.bypass(request, request, async () => handler(marked(request), ...rest));
        const whole = withoutConditions(request) as Asked;
        return core.answer(asked, async () => handler(marked(whole), ...rest));
      });
    };
  return Object.assign(wrap, invalidating(core));
}

export function invalidating<Native>(core: ResponseCacheCore<Native>): Invalidating {
  return {
    invalidateRoute: (pattern, params) => core.invalidateRoute(pattern, params),
    invalidateTags: (...tags) => core.invalidateTags(...tags),
    clear: () => core.clear(),
  };
}

function marked<Asked extends Request>(request: Asked): Asked {
  underWay.add(request);
  return request;
}
