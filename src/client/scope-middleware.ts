import { RequestScope, runInScope } from './scope.ts';

/** What of a request a name is made of. Express and Fastify know the route, each in its way, once it was found. */
export interface NamedRequest {
  method?: string | undefined;
  url?: string | undefined;
  /** Express: where the router is mounted, and the route's pattern below it. */
  baseUrl?: string | undefined;
  route?: { path?: unknown } | undefined;
  /** Fastify. */
  routeOptions?: { url?: string | undefined } | undefined;
}

interface ClosingResponse {
  once(event: 'close', listener: () => void): unknown;
}

/**
 * Middleware for Express, Connect and `node:http`: each request is a scope of its own, until its response is closed.
 * @param nameOf by default the method and the route; without one the path, with numbers and identifiers in it replaced by `:id`
 * @example
 * ```ts
 * import { scopeMiddleware } from 'pitcrew';
 *
 * const middleware = scopeMiddleware();
 * console.log(typeof middleware); // app.use(middleware)
 * ```
 */
export function scopeMiddleware(
  nameOf: (request: NamedRequest) => string = requestName,
): (request: NamedRequest, response: ClosingResponse, next: () => void) => void {
  return (request, response, next) => {
    const scope = new RequestScope(() => nameOf(request));
    response.once('close', () => scope.end());
    scope.run(next);
  };
}

/**
 * The same as a hook for Fastify.
 * @example
 * ```ts
 * import { scopeHook } from 'pitcrew';
 *
 * const hook = scopeHook();
 * console.log(typeof hook); // fastify.addHook('onRequest', hook)
 * ```
 */
export function scopeHook(
  nameOf: (request: NamedRequest) => string = requestName,
): (request: NamedRequest, reply: { raw: ClosingResponse }, done: () => void) => void {
  const middleware = scopeMiddleware(nameOf);
  return (request, reply, done) => middleware(request, reply.raw, done);
}

/**
 * Wraps a handler that takes a `Request` and answers with a `Response`, as those of Next.js, Hono, Deno and Bun: each request is a scope
 * of its own, until its response is there.
 * @param nameOf by default the method and the path, with numbers and identifiers in it replaced by `:id`
 */
export function withScope<Asked extends { method: string; url: string }, Rest extends unknown[], Answer>(
  handler: (request: Asked, ...rest: Rest) => Answer,
  nameOf: (request: Asked) => string = requestName,
): (request: Asked, ...rest: Rest) => Answer {
  return (request, ...rest) =>
    runInScope(
      () => nameOf(request),
      () => handler(request, ...rest),
    );
}

/** `GET /orders/:id`: of the route where there is one, else of `GET /orders/17?page=2`. */
export function requestName({ method = 'GET', url, baseUrl, route, routeOptions }: NamedRequest): string {
  if (typeof route?.path === 'string') return `${method} ${baseUrl ?? ''}${route.path}`;
  if (routeOptions?.url) return `${method} ${routeOptions.url}`;
  const [path = '/'] = (url ?? '/').replace(/^[a-z]+:\/\/[^/]*/i, '').split(/[?#]/, 1);
  const steps = path.split('/').map((step) => (isIdentifier(step) ? ':id' : step));
  return `${method} ${steps.join('/').slice(0, 150) || '/'}`;
}

/** A number, a UUID or the like, or anything long with digits in it. */
function isIdentifier(step: string): boolean {
  return /^\d+$|^[0-9a-f-]{16,}$/i.test(step) || (step.length >= 20 && /\d/.test(step));
}
