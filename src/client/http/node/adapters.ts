import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Cache } from '../../cache/index.ts';
import { currentScope } from '../../scope.ts';
import { type NamedRequest, requestName, scopeMiddleware } from '../../scope-middleware.ts';
import { ResponseCacheCore } from '../core.ts';
import type { ResponseCacheOptions } from '../options.ts';
import { type Invalidating, invalidating } from '../response-cache.ts';
import { type Exchange, serve } from './serve.ts';

/** What of a request of Express, Connect or `node:http` is needed. */
export interface ExpressRequest extends IncomingMessage {
  readonly originalUrl?: string | undefined;
  readonly protocol?: string | undefined;
  readonly host?: string | undefined;
}

/** What of a request of Fastify is needed. */
export interface FastifyRequest {
  readonly raw: IncomingMessage;
  readonly originalUrl: string;
  readonly protocol: string;
  readonly host: string;
}

export interface FastifyReply {
  readonly raw: ServerResponse;
}

/**
 * Middleware for Express, Connect and `node:http`. What comes after it does not run for requests that are answered from the
 * cache; each request is a scope of its own, as with `scopeMiddleware`.
 * @example
 * ```ts
 * app.use('/products', expressCache(createCache(), { ttl: '1m', staleWhileRevalidate: '10m' }));
 * ```
 * @throws `E_CONFIG` for options that make no sense
 */
export function expressCache<Asked extends ExpressRequest = ExpressRequest>(
  cache: Cache,
  options: ResponseCacheOptions<Asked> = {},
): Invalidating & ((request: Asked, response: ServerResponse, next: (error?: unknown) => void) => void) {
  const core = new ResponseCacheCore<Asked>(cache, { scopeName: named, ...options });
  const middleware = (request: Asked, response: ServerResponse, next: (error?: unknown) => void): void => {
    const isEncrypted = 'encrypted' in request.socket && request.socket.encrypted === true;
    inScope(core, request, response, {
      request,
      response,
      native: request,
      protocol: request.protocol ?? (isEncrypted ? 'https' : 'http'),
      host: request.host ?? request.headers.host ?? authority(request),
      target: request.originalUrl ?? request.url ?? '/',
      go: (error) => (error === undefined ? next() : next(error)),
    });
  };
  return Object.assign(middleware, invalidating(core));
}

/**
 * The same as a hook for Fastify. Hooks after it do not run for requests that are answered from the cache, but for `onResponse`.
 * @example
 * ```ts
 * fastify.addHook('onRequest', fastifyCache(createCache(), { ttl: '1m' }));
 * ```
 * @throws `E_CONFIG` for options that make no sense
 */
export function fastifyCache<Asked extends FastifyRequest = FastifyRequest>(
  cache: Cache,
  options: ResponseCacheOptions<Asked> = {},
): Invalidating & ((request: Asked, reply: FastifyReply, done: (error?: Error) => void) => void) {
  const core = new ResponseCacheCore<Asked>(cache, { scopeName: named, ...options });
  const hook = (request: Asked, reply: FastifyReply, done: (error?: Error) => void): void => {
    inScope(core, request, reply.raw, {
      request: request.raw,
      response: reply.raw,
      native: request,
      protocol: request.protocol,
      host: request.host,
      target: request.originalUrl,
      go: done,
    });
  };
  return Object.assign(hook, invalidating(core));
}

/** The scope of a request lasts until its response is closed, as what is streamed does. */
function inScope<Native extends object>(
  core: ResponseCacheCore<Native>,
  request: Native,
  response: ServerResponse,
  exchange: Exchange<Native>,
): void {
  if (currentScope()?.ended === false) {
    void serve(core, exchange);
    return;
  }
  const nameOf = (asked: NamedRequest): string => core.settings.scopeName?.(asked as Native) ?? requestName(asked);
  scopeMiddleware(nameOf)(request as NamedRequest, response, () => void serve(core, exchange));
}

function named(request: object): string {
  return requestName(request as NamedRequest);
}

function authority({ headers }: IncomingMessage): string | undefined {
  const said = headers[':authority'];
  return typeof said === 'string' ? said : undefined;
}
