export type { Encoding } from './encoding.ts';
export { type HonoContext, honoCache } from './hono-cache.ts';
export {
  type ExpressRequest,
  expressCache,
  type FastifyReply,
  type FastifyRequest,
  fastifyCache,
} from './node/adapters.ts';
export type { ResponseCacheOptions } from './options.ts';
export { type Invalidating, type ResponseCache, responseCache } from './response-cache.ts';
