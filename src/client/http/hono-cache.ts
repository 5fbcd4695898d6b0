import type { Cache } from '../cache/index.ts';
import { withoutConditions } from './conditions.ts';
import { ResponseCacheCore } from './core.ts';
import type { ResponseCacheOptions } from './options.ts';
import { type Invalidating, invalidating } from './response-cache.ts';

/** What of Hono's context is needed. */
export interface HonoContext {
  readonly req: { raw: Request };
  get res(): Response;
  set res(response: Response | undefined);
}

/**
 * Middleware for Hono. What comes after it does not run for requests that are answered from the cache. A context answers one request,
 * so what is stale is renewed before it is served; `responseCache(…)(app.fetch)` renews beside.
 * @example
 * ```ts
 * app.use('/products/*', honoCache(cache, { ttl: '1m' }));
 * ```
 * @throws `E_CONFIG` for options that make no sense
 */
export function honoCache(
  cache: Cache,
  options: ResponseCacheOptions = {},
): Invalidating & ((context: HonoContext, next: () => Promise<void>) => Promise<void>) {
  const core = new ResponseCacheCore<Request>(cache, options, false);
  const middleware = async (context: HonoContext, next: () => Promise<void>): Promise<void> => {
    const request = context.req.raw;
    const ask = async (): Promise<Response> => {
      await next();
      return context.res;
    };
    await core.inScope(request, request, async () => {
      const asked = await core.asked(request, request);
      if (asked) context.req.raw = withoutConditions(request);
      const response = asked ? await core.answer(asked, ask) : await core.bypass(request, request, ask);
      // Else headers of the response before would go into this one.
      context.res = undefined;
      context.res = response;
    });
  };
  return Object.assign(middleware, invalidating(core));
}
